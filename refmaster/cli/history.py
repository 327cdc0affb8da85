"""`refmaster history SESSION.toml`: who changed what from one render to the next, and the way back."""

from typing import Annotated

import typer

from refmaster.cli import options as o

WHO = {"refmaster": "refmaster", "flags": "you, by flag", "file": "you, in the file"}


def command(
    session: Annotated[str, typer.Argument(help="The .toml that stands beside a master.")], json: o.Json = False
) -> None:
    """List the revisions of a session: one for each render that changed something.

    Example: refmaster history song.master.toml
    """
    import shlex
    from pathlib import Path

    from rich.console import Console

    from refmaster import session as sessions
    from refmaster.cli.show import print_command, print_list, print_text
    from refmaster.cli.streams import print_json
    from refmaster.history import as_json, heeded
    from refmaster.names import shown
    from refmaster.writing import counted, said

    path = Path(session)
    read = sessions.read(path)
    _, edits = heeded(read)
    if json:
        print_json(as_json(read, edits))
        return
    console = Console(highlight=False)
    print_text(console, f"{shown(path.name)}: {counted(len(read.revisions), 'revision')}", style="bold", indent=0)
    for one in read.revisions:
        figures = f"{said('_lufs', one.integrated_lufs)}, {said('_dbtp', one.true_peak_dbtp)}"
        who = " and ".join(WHO[by] for by in one.by)
        print_text(console, f"{one.number}  {figures}, {who} ({one.version})", style="bold", indent=0)
        if one.flags:
            print_text(console, " ".join(one.flags), indent=4)
        for words in one.said:
            print_text(console, words, indent=4)
    print_list(console, "Changed in the file since it was rendered", edits)
    if read.revisions:
        back = f"refmaster render {shlex.quote(shown(path))} --revision 1 --force"
        print_command(console, "To go back to one", back)
    else:
        print_text(
            console, "An older refmaster wrote it and kept no history; it begins with the next render.", indent=0
        )
