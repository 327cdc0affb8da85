"""An outcome as its session has it now: a person may have rendered it again since the batch did.

A session's figures are rounded, so the batch's own are kept as long as the session says the same: a batch that is
resumed with nothing changed leaves the same bytes.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from refmaster.batch.records import Outcome, missed_in
from refmaster.batch.remote import is_url, joined, read_text
from refmaster.errors import RefmasterError

ROUNDED_DB = 1e-3  # a session holds four decimals


def as_rendered(outcome: Outcome, folder: str) -> Outcome:
    """The outcome with what its session says of the master; as it was where the session says nothing, or is none."""
    if outcome.session is None:
        return outcome
    where = joined(folder, outcome.session)
    try:
        if not is_url(where):
            return _read(outcome, Path(where))
        with TemporaryDirectory() as place:
            here = Path(place, "session.toml")
            here.write_text(read_text(where) or "", encoding="utf-8")
            return _read(outcome, here)
    except (RefmasterError, UnicodeError, OSError):  # somebody's own file by now, which stays as it is
        return outcome


def _read(outcome: Outcome, path: Path) -> Outcome:
    from refmaster import session as sessions
    from refmaster.explain import check_text, missed_words

    session = sessions.read(path)
    fits = sessions.seal_of(session.plan.moves, session.delivery) == session.seal
    rendered = session.plan if fits else session.revisions[-1].plan if session.revisions else None
    known = session.outcome
    if known is None or rendered is None or session.target.sha256 != outcome.sha256:
        return outcome
    missed = missed_words(rendered)
    now = replace(
        outcome,
        status=known.status,
        master_lufs=known.master.integrated_lufs,
        master_dbtp=known.master.true_peak_dbtp,
        moves=len(rendered.active),
        failed_checks=tuple(check_text(check) for check in known.checks if not check.passed),
        not_reached=missed,
        led_short=False,
    )
    as_batch = replace(now, not_reached=missed_in(missed, led_short=outcome.led_short))
    return outcome if _same(outcome, as_batch) else now


def _same(old: Outcome, new: Outcome) -> bool:
    """Whether two outcomes tell the same, but for what is rounded away."""
    pairs = ((old.master_lufs, new.master_lufs), (old.master_dbtp, new.master_dbtp))
    near = all(a == b or (a is not None and b is not None and abs(a - b) <= ROUNDED_DB) for a, b in pairs)
    told = [(one.status, one.moves, one.not_reached, bool(one.failed_checks)) for one in (old, new)]
    return near and told[0] == told[1]
