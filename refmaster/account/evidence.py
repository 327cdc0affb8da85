"""Why a move is made, and how much of the difference it takes: both measurements, and what could be chance."""

from refmaster.compare.witness import NO_GAP_DB
from refmaster.genres import ANY
from refmaster.moves import match_dynamics, movers
from refmaster.names import BY_GENRE
from refmaster.passport import STRANGER
from refmaster.records import EVIDENCE_PCT, Gap, Move, Session, Verdict
from refmaster.units import unit_of
from refmaster.writing import capital, confidence, difference, label, lowered, said, spread

WHOLE_AMOUNT_PCT = 100.0
NONE_PCT, WHOLE_PCT, MORE_PCT = 0.5, 99.5, 105.0  # the first two round to 0 and to 100


def why_of(move: Move) -> tuple[str, ...]:
    """A sentence or two for each difference that the move answers."""
    return tuple(_why(move, gap) for gap in move.because)


def taken_of(session: Session, move: Move) -> str:
    """How much of the difference is taken, and why not all of it."""
    if move.verdict is Verdict.DROP:
        return "None: you dropped it."
    if move.verdict is Verdict.OVERRIDE or (move.locked and move.proposed):
        return "As you set it; how much of a difference that is, is no question for the evidence."
    if not move.because:
        return ""
    gap = move.because[0]
    if move.mover == "match_eq" and abs(gap.delta) < NO_GAP_DB:
        return f"There is nothing to take: {_around(session)} asks for the band."
    if gap.taken_pct > MORE_PCT:
        return f"All of it, and more ({gap.taken_pct:.0f} %): {_around(session)} asks for it."
    if gap.taken_pct >= WHOLE_PCT:
        return "All of it."
    if gap.taken_pct <= 0 and move.mover == "match_dynamics":
        return f"None of it; {match_dynamics.BROUGHT_BACK}."
    if gap.taken_pct < NONE_PCT and move.mover in ("match_eq", "match_width"):
        return f"None of it: {_around(session)} asks for something else."
    return f"{gap.taken_pct:.0f} % of it; {_why_not_all(session, move, gap)}."


def _around(session: Session) -> str:
    """What shapes a band beside the difference at its own place."""
    if session.request.amount_pct > EVIDENCE_PCT:
        return f"--amount {session.request.amount_pct:g}, which goes toward the whole difference, arrangement included,"
    genre = ANY if session.outcome is None else session.outcome.genre
    return "what lies around it" if genre == ANY else "what lies around it, or what is usual in the genre,"


def _why(move: Move, gap: Gap) -> str:
    mover = movers().get(move.mover)  # another engine's move has none
    here, there = ("target", "") if mover is None else mover.SIDES
    there = there or gap.toward.removeprefix("the ")
    text = f"{capital(label(gap.feature))}: {here} {said(gap.feature, gap.target)}, {there} "
    text += f"{said(gap.feature, gap.reference)}, a difference of {difference(gap.feature, gap.delta)}."
    if gap.tolerance > 0:
        text += f" Nobody would mind {spread(gap.feature, gap.tolerance)}"
        cause = "songs of a genre differ by" if gap.toward == BY_GENRE else "arrangement alone makes"
        text += "." if gap.uncertainty <= 0 else f"; {cause} {spread(gap.feature, gap.uncertainty)}."
    if gap.uncertainty > 0:
        text += f" Confidence that it is more than chance: {confidence(move.confidence)}."
    return text


def _why_not_all(session: Session, move: Move, gap: Gap) -> str:
    amount_pct = session.request.amount_pct
    if move.mover == "match_loudness":
        short = next((one.text for one in session.plan.not_reached if one.what == gap.feature), None)
        if short is not None:
            return lowered(short.rstrip("."))
        return (
            f"that is what --amount {amount_pct:g} asks for" if amount_pct < EVIDENCE_PCT else "the search ended there"
        )
    reasons = []
    if amount_pct < EVIDENCE_PCT:
        reasons.append(f"--amount {amount_pct:g} asks for {2 * amount_pct:.0f} % of what the evidence supports")
    if EVIDENCE_PCT < amount_pct < WHOLE_AMOUNT_PCT:
        reasons.append(f"--amount {amount_pct:g} goes from the evidence toward the whole, and not all of the way")
    elif amount_pct <= EVIDENCE_PCT and gap.uncertainty > 0:
        reasons.append(_what_could_be_chance(gap))
        kinship = None if session.outcome is None else session.outcome.kinship
        if kinship is not None and kinship < STRANGER and gap.toward != BY_GENRE:
            reasons.append(f"the reference is another song (same song: {100 * kinship:.0f} %)")
    return "; ".join(reasons) or "the rest is more than this move reaches"


def _what_could_be_chance(gap: Gap) -> str:
    by_genre = gap.toward == BY_GENRE
    if gap.uncertainty >= abs(gap.delta):
        cause = "songs of a genre differ by as much" if by_genre else "arrangement alone could make as much"
        return f"{cause}, so it is believed in part"
    size, chance = (_size(gap.feature, value) for value in (gap.delta, gap.uncertainty))
    cause = f"songs of a genre differ by ±{chance}" if by_genre else f"arrangement alone makes ±{chance}"
    return f"{cause} there, so only a part of the {size} is believed"


def _size(feature: str, value: float) -> str:
    """A difference without its sign: "2.05 dB"."""
    return difference(feature, abs(value)).lstrip("+−") if unit_of(feature) else f"{abs(value):.2f}"
