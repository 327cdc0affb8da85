"""What a move may cost, and what could be done instead: the field's cautions, with this session's numbers in them.

A mover that is not listed here says nothing of either; a test holds that all are listed.
"""

from collections.abc import Callable

from refmaster.bands import FREQUENCY_NAME
from refmaster.dsp.limiter import HARD_DB
from refmaster.records import Move, Outcome, Param, Phase
from refmaster.units import written
from refmaster.writing import pair, told_apart, tone_words

Flag = tuple[str, str]
"""A flag, and what it would do."""

HALF, SOFTER_DB, SLOWER = 0.5, 1.0, 2.0
WORTH_SAYING_PCT = (5.0, 95.0)  # taken less, the whole is no advice; taken more, it is the same
MOST_DB = 6.0  # practice: more is for the mix to change
WORTH_HEARING_DB = 0.3  # as much as a level may differ before anybody minds


def cost_of(move: Move, outcome: Outcome | None) -> str:
    """What the move may cost, in a sentence or two."""
    told = _COSTS.get(move.mover)
    return "" if told is None else told(move, outcome)


def instead_of(move: Move) -> tuple[Flag, ...]:
    """Other choices about the move, as flags of `refmaster render`."""
    told = _CHOICES.get(move.mover)
    return () if told is None else told(move)


def _remove_dc_cost(move: Move, outcome: Outcome | None) -> str:
    if move["below_hz"] > 0:
        return (
            f"Nothing is lost that is heard: no phase is turned, and nothing above {2 * move['below_hz']:g} Hz taken."
        )
    return "Nothing is lost: a constant is no sound."


def _eq_cost(move: Move, outcome: Outcome | None) -> str:
    gain, place = move.param("gain_db"), _place(move)
    if gain.value > 0:
        text = f"Peaks may rise by up to {gain}, which the limiter has to take off again."
    else:
        text = "All that sounds there gets softer, not only what was too much."
    if move.phase is Phase.LINEAR:
        return f"{text} It rings ahead of hits; listen for soft attacks."
    return text if place is None else f"{text} It turns the phase around {place}."


def _dynamics_cost(move: Move, outcome: Outcome | None) -> str:
    if move["ratio"] < 1:
        return "What stands out comes nearer, and its peaks with it, which the limiter has to take off again."
    return (
        f"What passes {move.param('threshold_dbfs')} loses some of its edge, within {move.param('attack_ms')}; what "
        f"lies between comes up by {move.param('makeup_db')}, noise and room with it."
    )


def _width_cost(move: Move, outcome: Outcome | None) -> str:
    if move["side_gain_db"] <= 0:
        return "The image gets smaller. In mono nothing changes."
    text = "What is in the side only comes nearer, and is still lost in mono; the peaks of one channel may rise."
    if outcome is None or outcome.target.correlation is None:
        return text
    text = f"{text} Correlation, with all moves: {pair('correlation', *_both(outcome, 'correlation'))}."
    before, after = _both(outcome, "mono_loss_db")
    if before is None or after is None or before - after < WORTH_HEARING_DB:
        return text
    folded = pair("mono_loss_db", before, after)
    return f"{text} Mono fold-down loss: {folded}; a mono listener hears it softer by the difference."


def _loudness_cost(move: Move, outcome: Outcome | None) -> str:
    text = "Gain alone costs nothing; compare at equal loudness, for half a decibel decides a blind test."
    if outcome is None or outcome.limiter is None or move["gain_db"] <= 0:
        return text
    return (
        f"The limiter behind it takes up to {written('margin_db', outcome.limiter.max_db)} for it"
        f"{_fallen(outcome, 'plr_db', 'PLR')}. "
        "Compare at equal loudness, for half a decibel decides a blind test."
    )


def _limiter_cost(move: Move, outcome: Outcome | None) -> str:
    if outcome is None or outcome.limiter is None:
        return "Punch, and the more the harder it works."
    work = outcome.limiter
    most, _ = told_apart(work.max_db, HARD_DB, 2)
    text = (
        f"Punch: it takes up to {most} dB, and works for {work.share_working_pct:.1f} % of "
        f"the time{_fallen(outcome, 'psr_db', 'lowest PSR')}."
    )
    if tone := tone_words(work.tone_db, work.tone_hz):
        text += f" It changes the tone by up to {tone}."
    if work.max_db <= HARD_DB:
        return text
    share = work.share_over_4_db_pct
    often = f"{share:.0f} % of the time" if share >= 1 else "less than 1 % of the time"
    return f"{text} For {often} that is more than {HARD_DB:g} dB, where limiting begins to be heard."


def _eq_choices(move: Move) -> tuple[Flag, ...]:
    return _amounts(move, move.param("gain_db"))


def _dynamics_choices(move: Move) -> tuple[Flag, ...]:
    ratio = move.param("ratio")
    if ratio.value == 1:
        return ()
    return (_set(move, ratio, round(1 + (ratio.value - 1) * HALF, 2), "about half as much"),)


def _width_choices(move: Move) -> tuple[Flag, ...]:
    return _amounts(move, move.param("side_gain_db"))


def _loudness_choices(move: Move) -> tuple[Flag, ...]:
    gain = move.param("gain_db")
    meaning = ", for a limiter that works less" if gain.value > 0 else ": softer"
    less = _set(move, gain, gain.value - SOFTER_DB, f"{SOFTER_DB:g} dB less{meaning}")
    if not move.because:
        return (less,)
    gap = move.because[0]
    if gap.taken_pct <= 0:  # it ends elsewhere than on the way to the goal
        return (less,)
    goal = gap.target + gap.delta * gap.taken_pct / 100 - SOFTER_DB  # under what was reached, which may be short
    return less, (f"loudness_lufs = {goal:.1f}", f"under request in the file: {SOFTER_DB:g} LU softer than it is now")


def _limiter_choices(move: Move) -> tuple[Flag, ...]:
    release, clip = move.param("release_ms"), move.param("clip_db")
    slower = _set(move, release, release.value * SLOWER, "lets go more slowly: smoother, a little softer")
    return (slower, *((_set(move, clip, 0.0, "limits only, clips nothing"),) if clip.value > 0 else ()))


def _amounts(move: Move, gain: Param) -> tuple[Flag, ...]:
    """Half of a gain, and what would take about all of the difference with the other moves as they are."""
    if abs(gain.value) < 0.1:
        return ()
    found = [_set(move, gain, round(gain.value * HALF, 2), "half as much")]
    low, high = WORTH_SAYING_PCT
    if move.because and low < move.because[0].taken_pct < high:
        gap = move.because[0]
        whole = round(gain.value + gap.delta * (1 - gap.taken_pct / 100), 1)
        if abs(whole) <= MOST_DB and whole * gain.value > 0:
            found.append(_set(move, gain, whole, "about all of the difference"))
    return tuple(found)


def _set(move: Move, param: Param, value: float, meaning: str) -> Flag:
    value = min(max(value, param.low), param.high)
    return f"--set {move.id}.{param.name}={value:g}", meaning


def _place(move: Move) -> Param | None:
    return next((param for param in move.params if param.name in FREQUENCY_NAME.values()), None)


def _fallen(outcome: Outcome, name: str, called: str) -> str:
    """How far a figure of liveliness fell, to go on a sentence with; empty where it did not: a gain is no cost."""
    before, after = _both(outcome, name)
    if before is None or after is None or round(after, 2) >= round(before, 2):
        return ""
    return f"; {called} {pair(name, before, after)}"


def _both(outcome: Outcome, name: str) -> tuple[float | None, float | None]:
    return getattr(outcome.target, name), getattr(outcome.master, name)


_COSTS: dict[str, Callable[[Move, Outcome | None], str]] = {
    "remove_dc": _remove_dc_cost,
    "match_eq": _eq_cost,
    "match_dynamics": _dynamics_cost,
    "match_width": _width_cost,
    "match_loudness": _loudness_cost,
    "limit_peaks": _limiter_cost,
}
_CHOICES: dict[str, Callable[[Move], tuple[Flag, ...]]] = {
    "match_eq": _eq_choices,
    "match_dynamics": _dynamics_choices,
    "match_width": _width_choices,
    "match_loudness": _loudness_choices,
    "limit_peaks": _limiter_choices,
}
