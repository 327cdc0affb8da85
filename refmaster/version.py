"""The engine's version; a session remembers it."""

__version__ = "0.1.0"
