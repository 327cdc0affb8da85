"""Options that several commands share, declared once."""

from typing import Annotated

import typer

Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        help="The master's file; session and report stand beside it. [TARGET.master.wav; in render the session's]",
    ),
]
Amount = Annotated[
    float, typer.Option("--amount", help="0 leaves alone, 50 follows the evidence, 100 matches in full.")
]
Loudness = Annotated[
    float | None,
    typer.Option(
        "--loudness",
        metavar="LUFS",
        help="Integrated loudness to reach. [the reference's; under --amount 50, part of the way]",
    ),
]
Ceiling = Annotated[float, typer.Option("--ceiling", metavar="dBTP", help="True peaks stay under this.")]
Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="STAGES",
        help="Only these: repair, tone, dynamics, colour, image, level. The ceiling holds.",
    ),
]
Detail = Annotated[
    int | None,
    typer.Option("--detail", metavar="N", help="At most so many EQ bands. [6; over --amount 75 one a third]"),
]
Phase = Annotated[
    str,
    typer.Option(
        "--phase",
        metavar="KIND",
        help="Of the EQ: minimum, or linear, which turns no phase but rings ahead of hits.",
    ),
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", metavar="ID", help="Leave a move out, or all of one kind: match_eq.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="ID.PARAM=VALUE", help="Give a move's parameter your value: match_eq/high_shelf.gain_db=1.5."
    ),
]
Lock = Annotated[
    list[str] | None, typer.Option("--lock", metavar="ID", help="Hold a move as it is, whatever changes later.")
]
Undo = Annotated[
    list[str] | None,
    typer.Option("--undo", metavar="ID", help="Take back what was decided about a move, or about all of one kind."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the text.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing master, session and report.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and explain; write nothing.")]
Format = Annotated[
    str | None,
    typer.Option("--format", help="wav, flac, aiff, caf, w64, rf64, ogg, opus or mp3. [by OUT's ending; wav]"),
]
BitDepth = Annotated[
    str | None, typer.Option("--bit-depth", help="16, 24, 32 (whole numbers), 32f or 64f (floating point). [24]")
]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")]
NoAudio = Annotated[bool, typer.Option("--no-audio", help="Put no sound into the HTML report: half as large, 5 MB.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")]
Verbose = Annotated[
    bool,
    typer.Option(
        "-v", "--verbose", help="Tell of every band by itself, and of those that were considered and left out."
    ),
]
Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="How many threads may work; the result is the same.")
]
KeptIn = Annotated[
    str | None,
    typer.Option(
        "--cache",
        metavar="DIR|off",
        envvar="REFMASTER_CACHE",
        help="Where measurements are kept, so that no file is measured twice. [the system's for a user's cache]",
    ),
]
