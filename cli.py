"""The door from a checkout: `python cli.py target.wav --ref reference.wav`."""

from refmaster.cli import main

if __name__ == "__main__":
    main()
