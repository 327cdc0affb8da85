"""Again: a session taken up where it was left.

Its files are found, its plan stands or is found anew, and its text goes on.
"""

import hashlib
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from refmaster import history, price
from refmaster import session as sessions
from refmaster.decide import decisions_of, parse_decisions
from refmaster.errors import BadAudio, BadSetting
from refmaster.genres.posterior import NONE
from refmaster.load import Track, open_again, open_track
from refmaster.moves import movers
from refmaster.names import OWN_ENGINE, shown
from refmaster.outputs import ending, ending_of, goal_path
from refmaster.own import by_genre
from refmaster.plan import Draft, Material, draft
from refmaster.records import (
    Decision,
    Delivery,
    Input,
    Move,
    Outcome,
    Plan,
    Report,
    Request,
    Session,
    Source,
    Stage,
    Verdict,
    Weights,
)
from refmaster.save import EXTENSIONS, choose_delivery
from refmaster.session_errors import refused
from refmaster.session_merge import merged

MOST_SEARCHED = 64  # files of the same kind in a folder that are hashed to find one that was renamed
NO_NAME = "FILE"


@dataclass(frozen=True)
class Before:
    """A session that is gone on with: as it is meant, its text, and what was done to it on the way here.

    `edits` is what a person changed in the file since it was rendered, in words; `flags` what the command line asks;
    `anew` says that only what was decided is kept, and all else is planned from new evidence.
    """

    path: Path
    text: str
    session: Session
    edits: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    back_to: int | None = None
    anew: bool = False


def taken_up(path: str | os.PathLike[str], *, flags: tuple[str, ...] = (), revision: int | None = None) -> Before:
    """A session to render again, as it stands or as it was at a revision; BadSetting where it cannot be."""
    where = Path(path)
    session = sessions.read(where)
    if session.engine != OWN_ENGINE:
        raise BadSetting(f"{shown(where)}: made by {session.engine}, which cannot be rendered again; master anew")
    text = sessions.text_at(where)
    if revision is None:
        meant, edits = history.heeded(session)
        return Before(where, text, meant, edits, flags)
    try:
        then = history.at_revision(session, revision)
    except BadSetting as error:
        raise BadSetting(f"{shown(where)}: {error}") from error
    return Before(where, text, then, (), (f"--revision {revision}", *flags), revision)


def carried_on(
    path: str | os.PathLike[str] | None,
    undo: Sequence[str],
    drop: Sequence[str],
    set: Sequence[str],
    lock: Sequence[str],
) -> Before | None:
    """The session whose decisions hold again in a new one, and what the command line says beside them."""
    parse_decisions(undos=undo)  # refuses what no mover knows
    if path is None and undo:
        raise BadSetting("--undo takes back what was decided in an earlier session; name it with --keep-from SESSION")
    if path is None:
        return None
    flags = flags_of(keep_from=[os.fspath(path)], undo=undo, drop=drop, set=set, lock=lock)
    return replace(taken_up(path, flags=flags), anew=True)


def not_to_lose(before: Before | None, track: Track) -> tuple[Path, ...]:
    """The session that is kept from, where nothing may be written over it.

    Its own track goes on with its history, there as well; another track begins one of its own.
    """
    return () if before is None or before.session.target.sha256 == track.source.sha256 else (before.path,)


def settled(before: Before, undo: Iterable[str] = ()) -> tuple[Move, ...]:
    """The moves about which a person decided something, less what is taken back now."""
    gone = set(undo)
    moves = before.session.plan.moves
    return tuple(m for m in moves if (m.locked or m.verdict is not Verdict.KEEP) and not {m.id, m.mover} & gone)


def flags_of(**given: Iterable[str]) -> tuple[str, ...]:
    """Decisions as they are written on the command line: `flags_of(drop=["match_eq"])` is ("--drop match_eq",)."""
    named = ((name.replace("_", "-"), value) for name, values in given.items() for value in values)
    return tuple(f"--{name} {shown(' '.join(value.split()))}" for name, value in named)


def target_again(before: Before, given: str | os.PathLike[str] | None) -> Track:
    """The session's target, where it was or where it is said to be; its hash tells whether it is the same.

    Where it is not, the line of the session is told, and a file near it that is the same, whatever its name.
    """
    one = before.session.target
    if given is not None:
        return _given(given, one, before, "target")
    try:
        return open_again(one.path, one.sha256, role="target")
    except BadAudio as error:
        told = str(error).partition("; ")[0]
        what = f"{told}; say where it is with --target {_named(one, before.path)}"
        raise refused(before.path, before.text, ("target", "path"), what) from error


def references_again(
    before: Before, given: str | os.PathLike[str] | None
) -> tuple[tuple[tuple[Track, Weights], ...], tuple[str, ...]]:
    """The session's references in the same way; where one is gone all are done without, and that is said."""
    known = before.session.references
    if not known:
        return (), ()
    moved = None if given is None else _which(given, known)
    found = []
    for one in known:
        if given is not None and one is moved:
            found.append((_given(given, one, before, "reference"), one.weights))
            continue
        try:
            found.append((open_again(one.path, one.sha256, role="reference"), one.weights))
        except BadAudio:
            name, said = shown(Path(one.path).name), "the session's own numbers are used"
            again = f"; say where it is with --ref {near}" if (near := _named(one, before.path)) != NO_NAME else ""
            return (), (f"reference {name} was not found as it was; {said}{again}",)
    return tuple(found), ()


def _which(given: str | os.PathLike[str], known: tuple[Input, ...]) -> Input:
    """The reference that a file is, by its content; the first where it is none of them."""
    if len(known) == 1:
        return known[0]
    sha256 = _sha256(Path(given))
    return next((one for one in known if one.sha256 == sha256), known[0])


PLANNED_BY = ("amount_pct", "only", "max_bands", "same_song", "genre", "library")  # what a plan is made from


def as_planned(before: Before) -> tuple[Before, tuple[str, ...]]:
    """The session with what its plan was made from, and a note on what was changed of it: rendering plans nothing."""
    if before.back_to is not None or not before.session.revisions:
        return before, ()
    then, now = before.session.revisions[-1].request, before.session.request
    changed = {name: getattr(then, name) for name in PLANNED_BY if getattr(then, name) != getattr(now, name)}
    if not changed:
        return before, ()
    said = f"{' and '.join(changed)} changed in the file, which asks for a new plan, and was put back"
    session = replace(before.session, request=replace(now, **changed))
    return replace(before, session=session), (f"{said}; master again with --keep-from for one",)


def replanned(
    before: Before, material: Material, decisions: tuple[Decision, ...], told: Callable[[str], None]
) -> Draft:
    """The session's plan as it stands, or with level and ceiling found anew where the chain before them changed."""
    session = before.session
    if _stands(before, decisions):
        return Draft(session.plan)
    gone = bool(session.references) and material.reference is None
    if gone and material.request.loudness_lufs is None:
        material = replace(material, request=replace(material.request, loudness_lufs=session.plan.goal_lufs))
    own = decisions_of(session.plan.moves)
    return _kept_on(draft(material, own + decisions, kept=session.plan.moves, told=told), session.plan)


def _stands(before: Before, decisions: tuple[Decision, ...]) -> bool:
    """Whether the session's plan is rendered as it is: nothing in it, and nothing that was asked for, was changed."""
    session = before.session
    fits = sessions.seal_of(session.plan.moves, session.delivery) == session.seal
    return not decisions and fits and not (before.back_to is None and history.asks_anew(session))


def library_again(before: Before, decisions: tuple[Decision, ...]) -> tuple[Request, tuple[str, ...], tuple[str, ...]]:
    """What the session asks for, what it was made toward, and a note where its library is gone.

    A plan that stands needs none, and is prepared without. BadSetting where something is to be found anew in it.
    """
    request = before.session.request
    toward = tuple(one.sha256 for one in before.session.references)
    if not request.library:
        return request, toward, ()
    from refmaster.library.files import default_folder, library_files

    try:
        library_files(request.library, default_folder())
        return request, toward, ()
    except BadSetting as error:
        gone = f"the library {shown(request.library)} was not found"
        if _stands(before, decisions):
            without = replace(request, library="", genre=NONE)
            return without, toward or by_genre(request), (f"{gone}; the session's own numbers are used",)
        raise BadSetting(
            f"{shown(before.path)}: {gone}, and what is decided anew needs it; put it back there, or master again with"
            f" another: refmaster TARGET --library NAME --keep-from {shlex.quote(shown(before.path))}"
        ) from error


def with_library(material: Material, before: Before) -> Material:
    """What was prepared without a session's library, with what the session knows of it."""
    known, genre = before.session.outcome, material.genre
    if known is not None:
        genre = replace(
            genre, name=known.genre, label=known.genre, n_tracks=known.genre_tracks, share=known.genre_share
        )
    return replace(material, request=before.session.request, genre=genre)


def goal_again(
    before: Before, out: str | os.PathLike[str] | None, source: Source, *, container: str | None, bit_depth: str | None
) -> tuple[Path, Delivery]:
    """Where a session is rendered to and in which format: beside it and as it says, unless something else is asked."""
    old = before.session.delivery
    if out is not None:
        goal, other = goal_path(before.path, out, container or EXTENSIONS[ending(old)]), True
    else:
        goal, other = before.path.with_suffix(ending(old)), bool(container or bit_depth)
        goal = goal.with_suffix(ending_of(container)) if container else goal
    return goal, other_delivery(goal, old, source, container=container, bit_depth=bit_depth) if other else old


def other_delivery(
    out: Path, before: Delivery, source: Source, *, container: str | None, bit_depth: str | None
) -> Delivery:
    """The session's format, unless the name or an option asks for another one."""
    depth = bit_depth
    if depth is None and before.bit_depth is not None:
        depth = str(before.bit_depth)
    elif depth is None:
        depth = {"FLOAT": "32f", "DOUBLE": "64f"}.get(before.subtype)
    same = EXTENSIONS.get(out.suffix.lower()) in (before.container, "OPUS" if before.subtype == "OPUS" else None)
    if same and container is None and bit_depth is None:
        return before
    if EXTENSIONS.get(out.suffix.lower()) in ("OGG", "OPUS", "MP3"):
        depth = bit_depth
    return choose_delivery(out, container=container, bit_depth=depth, source=source)


def written_on(report: Report, delivery: Delivery, folder: Path, before: Before | None, flags: tuple[str, ...]) -> str:
    """The text of a session that was just rendered; where it goes on from another, in that one's own words."""
    old = None if before is None else before.session
    references = report.references or (() if old is None else old.references)
    outcome = sessions.outcome_of(report)
    if report.reference is None and old is not None and outcome is not None:
        outcome = _as_compared(outcome, old.outcome)
    session = sessions.new_session(
        report.target, references, report.request, report.plan, delivery, report.engine, outcome
    )
    if before is None or old is None or old.target.sha256 != session.target.sha256:
        given = flags if before is None else before.flags
        return sessions.written(replace(session, revisions=history.continued(None, session, flags=given)), folder)
    past = history.continued(old, session, flags=before.flags, by_hand=bool(before.edits), how=_how(before))
    text = sessions.written(replace(session, revisions=past), folder)
    last = old.revisions[-1].plan if old.revisions else old.plan
    base = sessions.written(replace(old, plan=last, revisions=()), folder)
    same = {move.id for move in (settled(before) if before.anew else report.plan.moves)}
    return merged(before.text, base, text, same)


def _how(before: Before) -> str:
    """How a state came about, where that is more than its changes."""
    if before.back_to is not None:
        return f"back to revision {before.back_to}"
    return "mastered anew, with what was decided before" if before.anew else ""


def _as_compared(outcome: Outcome, before: Outcome | None) -> Outcome:
    """What is known of a reference that is not there now."""
    if before is None:
        return outcome
    return replace(
        outcome,
        reference=before.reference,
        kinship=before.kinship,
        taken=before.taken,
        ignored=before.ignored,
    )


def _kept_on(made: Draft, before: Plan) -> Draft:
    """A draft with what stays of an earlier plan, however often its level is found anew."""
    again = made.again
    return Draft(
        _with_what_stays(made.plan, before),
        made.estimated,
        None if again is None else lambda heard: _kept_on(again(heard), before),
    )


def _with_what_stays(made: Plan, before: Plan) -> Plan:
    """What was said about tone and image, which are kept, beside what was found anew about level and ceiling."""
    left = tuple(one for one in before.rejected if _stage_of(one.what) < Stage.LEVEL)
    short = tuple(one for one in before.not_reached if one.what not in price.SUBJECTS)
    return replace(
        made,
        rejected=(*left, *(one for one in made.rejected if one not in left)),
        not_reached=(*short, *(one for one in made.not_reached if one not in short)),
    )


def _stage_of(what: str) -> Stage:
    """The stage of the mover that left something alone: of match_eq in "match_eq at 310 Hz"."""
    mover = movers().get(what.partition(" ")[0].partition("/")[0])
    return Stage.LEVEL if mover is None else mover.STAGE


def _given(path: str | os.PathLike[str], one: Input, before: Before, role: str) -> Track:
    """A file that a person says is the session's; another one is told what it is good for."""
    track = open_track(path, role=role)
    if track.source.sha256 == one.sha256:
        return track
    raise BadAudio(
        f"{role} {shown(path)} is not the file of this session (its content differs); to master with it and keep what "
        f"was decided: refmaster TARGET --ref REFERENCE --keep-from {shlex.quote(shown(before.path))}"
    )


def _named(one: Input, session: Path) -> str:
    """A file that was moved beside the session, or renamed where it was, found by its hash; else any FILE."""
    was = Path(one.path)
    for folder in dict.fromkeys((session.resolve().parent, was.parent.resolve())):
        try:
            files = [file for file in folder.iterdir() if file.suffix.lower() == was.suffix.lower() and file.is_file()]
        except OSError:
            continue
        for file in sorted(files, key=lambda file: (file.name != was.name, file.name))[:MOST_SEARCHED]:
            if _sha256(file) == one.sha256:
                return shlex.quote(shown(file))
    return NO_NAME


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
