"""Our own masters: the line that their tags carry, and how one is known again.

Statistics cannot promise that a second pass changes nothing: what is left of a difference, found again, looks like new
evidence. So a master says in a tag of its own toward which reference it was made and what was settled; brought back
with the same reference, that stays as it is, unless more is asked for. A file that was changed since is any other file.
"""

import hashlib
import os
import re

from refmaster.load import Track
from refmaster.names import as_bytes, shown
from refmaster.records import EVIDENCE_PCT, Mark, Plan, Rejected, Request, Stage, Verdict
from refmaster.stored import BITS, FLOATS, bytes_as
from refmaster.tags import read_mark
from refmaster.version import __version__
from refmaster.writing import capital, listed

DIGITS = 16  # of a SHA-256: 64 bits tell any files apart that one person has
FOLLOWED = (Stage.TONE, Stage.DYNAMICS, Stage.COLOUR, Stage.IMAGE, Stage.LEVEL)  # what a reference has a say in

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?"
_LINE = re.compile(
    r"mastered with refmaster (?P<version>[\w.+-]{1,40})"
    rf" toward sha256 (?P<references>[0-9a-f]{{{DIGITS}}}(?:, [0-9a-f]{{{DIGITS}}})*)"
    r"; settled (?P<settled>[a-z]+(?:, [a-z]+)*)"
    rf"; amount (?P<amount>{_NUMBER}) %"
    rf"(?:; loudness (?P<loudness>{_NUMBER}) LUFS)?"
    rf"(?:; sound(?: as (?P<stored>{'|'.join((*BITS, *FLOATS))}))? sha256 (?P<sound>[0-9a-f]{{{DIGITS}}}))?"
)


def line_of(mark: Mark) -> str:
    """What stands in the tags: a sentence for people that `mark_of` reads again."""
    parts = [
        f"mastered with refmaster {mark.version} toward sha256 {', '.join(mark.references)}",
        f"settled {', '.join(stage.name.lower() for stage in mark.settled)}",
        f"amount {_written(mark.amount_pct)} %",
    ]
    if mark.loudness_lufs is not None:
        parts.append(f"loudness {_written(mark.loudness_lufs)} LUFS")
    if mark.sound:
        parts.append(f"sound as {mark.stored} sha256 {mark.sound}")
    return "; ".join(parts)


def mark_of(line: str) -> Mark | None:
    """The mark that a line in the tags holds; None where it is no such line."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    named = found["settled"].split(", ")
    return Mark(
        version=found["version"],
        references=tuple(found["references"].split(", ")),
        sound=found["sound"] or "",
        stored=found["stored"] or "",
        settled=tuple(stage for stage in FOLLOWED if stage.name.lower() in named),
        amount_pct=float(found["amount"]),
        loudness_lufs=None if found["loudness"] is None else float(found["loudness"]),
    )


def recognised(track: Track, toward: tuple[str, ...], request: Request) -> tuple[Mark | None, tuple[str, ...]]:
    """The mark of a target that is our own master toward these references (their SHA-256), and notes on it.

    None for any other file, for one whose sound was changed since, and where a fresh start is asked for.
    """
    source = track.source
    if request.fresh or not toward or source.container == "array":
        return None, ()
    mark = mark_of(read_mark(source.path))
    if mark is None or set(mark.references) != _short(toward):
        return None, ()
    if mark.sound and not mark.stored:
        said = "says that it is our own master toward this reference, but an earlier build made it"
        return None, (f"{shown(source.path)} {said}: it is taken as any other file",)
    same = not mark.sound if source.lossy else bool(mark.sound) and mark.sound == sound_of(track, mark.stored)
    if not same:
        said = "says that it is our own master toward this reference, but its sound was changed since"
        return None, (f"{shown(source.path)} {said}: it is taken as any other file",)
    return mark, ()


def by_genre(request: Request) -> tuple[str, ...]:
    """What stands for a reference's SHA-256 where a genre, or a library by its name, stood for the reference."""
    library = os.path.basename(request.library).removesuffix(".json")
    name = f"library {library}" if library else request.genre
    return (hashlib.sha256(as_bytes(f"genre {name}")).hexdigest(),)


def sound_of(track: Track, stored: str) -> str:
    """The digits for all samples of a track, in whatever lossless file; empty where its sound has not that form.

    `stored` is the form as libsndfile names it, "PCM_24".
    """
    digest = hashlib.sha256()
    for block in track.blocks():
        data = bytes_as(block, stored)
        if data is None:
            return ""
        digest.update(data.data)
    return sound_digits(digest.hexdigest(), track.source.sample_rate_hz)


def sound_digits(sha256: str, sample_rate_hz: int) -> str:
    """What a mark says of a sound whose bytes have this SHA-256."""
    return hashlib.sha256(f"{sample_rate_hz} Hz, {sha256}".encode()).hexdigest()[:DIGITS]


def next_mark(before: Mark | None, toward: tuple[str, ...], request: Request, made: Plan) -> Mark | None:
    """The mark of a master that is about to be written, still without its sound; None where nothing was settled.

    `before` is the mark of the target, where that is our own master toward the same references.
    """
    asked = request.only or FOLLOWED
    spoken = any(move.stage is Stage.LEVEL and move.verdict is not Verdict.KEEP for move in made.moves)
    level = request.loudness_lufs is not None or request.amount_pct > 0
    now = {
        stage for stage in FOLLOWED if stage in asked and (level if stage is Stage.LEVEL else request.amount_pct > 0)
    }
    settled = (now | set(before.settled if before else ())) - ({Stage.LEVEL} if spoken else set())
    if not toward or not settled or (before is None and not made.active):
        return None
    stands = before is not None and (Stage.LEVEL not in asked or Stage.LEVEL in staying(before, request))
    level_by = before if before is not None and stands else request
    return Mark(
        version=__version__,
        references=tuple(sorted(_short(toward))),
        sound="",
        settled=tuple(stage for stage in FOLLOWED if stage in settled),
        amount_pct=level_by.amount_pct,
        loudness_lufs=level_by.loudness_lufs,
    )


def staying(mark: Mark | None, request: Request) -> tuple[Stage, ...]:
    """The stages that an earlier run has settled, and for which nothing more is asked now."""
    if mark is None or request.in_full:
        return ()
    same_goal = request.loudness_lufs == mark.loudness_lufs and (
        request.loudness_lufs is not None or min(request.amount_pct, EVIDENCE_PCT) <= mark.amount_pct
    )
    return tuple(stage for stage in mark.settled if stage is not Stage.LEVEL or same_goal)


def left_alone(stages: tuple[Stage, ...]) -> tuple[Rejected, ...]:
    """Why these stages stay, in one line; nothing where none does."""
    names = [stage.name.lower() for stage in stages]
    if not names:
        return ()
    why = "this is our own master toward this reference; --amount 100 or --fresh matches it again"
    return (Rejected("own_master", f"{capital(listed(names))} left alone: {why}."),)


def _short(sha256: tuple[str, ...]) -> set[str]:
    return {one[:DIGITS] for one in sha256}


def _written(value: float) -> str:
    """The shortest digits that read back as the same number."""
    return repr(float(value)).removesuffix(".0")
