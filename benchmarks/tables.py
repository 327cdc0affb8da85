"""What the cases gave, in a table and in words: `quality.py`'s section of the page."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import CEILING_DBTP, HARM_DB, Outcome, Row

CEILING = f"{CEILING_DBTP:g} dBTP".replace("-", "−")
KINDS_ARE = {
    "mix": "the first half of a song, damaged, mastered toward its undamaged second half; right is the undamaged first",
    "clean": "the first half, undamaged, mastered toward the second; right is to leave it alone",
    "other": "the damaged half mastered toward another song of the genre; right is still the undamaged half",
    "match": "as `mix`, but the reference is to be matched in full; right is the reference itself",
}
FIGURES_ARE = {
    "eq": "rms difference in tone, in dB: third octaves of the mid from 25 Hz to 16 kHz, level removed",
    "width": "rms difference of side over mid in the same bands, in dB, where there is a side to hear",
    "dyn": "difference in density, in dB: how far loud 50 ms blocks (P95) stand above the median, mean of five bands",
    "crest": "difference of crest factors, in dB, mean of the same bands",
    "plr": "difference of peak to loudness ratio (true peak above integrated loudness), in dB",
    "lufs": "distance from the reference's integrated loudness, in LU",
    "tp_over": f"true peak above {CEILING}, in dB",
    "mrstft": "mean difference of magnitudes over time and frequency, in dB, at three resolutions, levels aligned",
    "harm": f"share of cases whose mrstft is more than {HARM_DB:g} dB worse than plain gain's",
    "af": "distance of level, crest factor, width, balance and bark spectrum from the reference, as published for the"
    " transfer of mastering style (AudioFeatureLoss of Diff-MST)",
}
DAMAGE = (
    "The damage is known: five bands of EQ (shelves of up to 6 or 7 dB, bells of up to 5), the side 6 dB softer to 4 dB"
    " louder, three times in four an expander and otherwise a compressor over all bands, and a level between −24 and"
    " −16 LUFS."
)
CAUTION = (
    "nobody listened; a smaller figure is nearer to the known answer and need not sound better. The damage is of the"
    " kind that EQ, width and one band of dynamics undo; a real mix also has faults that no master mends, and a real"
    " master adds what no damage here takes away (saturation, several bands of compression, automation). Halves of one"
    " song are closer relatives than most references are, and they still differ by arrangement, so no figure of"
    " `match` can reach 0. A mean hides its worst case; means of few cases are noisy."
    " Plain gain knows no ceiling and matchering's is a sample peak near full scale, so crest, plr and dyn of an engine"
    f" that holds {CEILING} pay for what tp_over of the others shows."
    " The project's own list of clips is mostly lossy game music. Times are of short files, side by side with other"
    " work."
)


@dataclass(frozen=True)
class Run:
    """Everything that a section tells."""

    command: str
    versions: dict[str, str]  # by engine, in the order of the table
    kinds: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    date: datetime.date


def section(run: Run) -> str:
    """The text for the page, in Markdown."""
    asked = [one for one in run.outcomes if not one.skipped]
    clips, genres = {one.case.clip.path for one in asked}, {one.case.clip.genre for one in asked}
    return "\n".join(
        [
            "## Quality",
            "",
            f"`{run.command}`, {run.date.isoformat()}: {len(asked)} cases from {_many(len(clips), 'clip')} of"
            f" {_many(len(genres), 'genre')}; {', '.join(run.versions.values())}. Means over cases; lower is better.",
            "",
            table(run),
            "",
            *(f"- {line}" for line in asides(run)),
            "",
            "Kinds of case:",
            "",
            *(f"- *{kind}*: {KINDS_ARE[kind]}." for kind in run.kinds),
            "",
            DAMAGE,
            "",
            "The figures, by meters none of which is refmaster's own:",
            "",
            *(f"- *{name}*: {meaning}." for name, meaning in FIGURES_ARE.items()),
            "",
            f"What this cannot show: {CAUTION}",
        ]
    )


def table(run: Run) -> str:
    """A line for every engine and kind."""
    lines = [["engine", "kind", "cases", "failed", *FIGURES_ARE]]
    for engine in run.versions:
        for kind in run.kinds:
            rows = _rows(run, engine, kind)
            fine = [row for row in rows if not row.failed]
            means = [_mean_of(fine, name) for name in FIGURES_ARE]
            lines.append([engine, kind, str(len(fine)), str(len(rows) - len(fine)), *means])
    ruler = [["---"] * len(lines[0])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines[:1] + ruler + lines[1:])


def asides(run: Run) -> list[str]:
    """What the table has no column for: noise, what refmaster said of itself, time, and every case that failed."""
    said = [_noise(run)]
    if "refmaster" in run.versions:
        said += _own_words([row for row in _rows(run, "refmaster") if not row.failed])
        if "matchering" in run.versions:
            said.append(_time(run))
    said += [
        f"Failed: {row.engine}, {outcome.case}: {row.failed}"
        for outcome in run.outcomes
        for row in outcome.rows
        if row.failed
    ]
    said += sorted({f"Skipped: {outcome.skipped}" for outcome in run.outcomes if outcome.skipped})
    return [line for line in said if line]


def failures(run: Run) -> int:
    """How many masters are missing."""
    return sum(bool(row.failed) for outcome in run.outcomes for row in outcome.rows)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _rows(run: Run, engine: str, kind: str | None = None) -> list[Row]:
    chosen = [one for one in run.outcomes if kind in (None, one.case.kind)]
    return [row for outcome in chosen for row in outcome.rows if row.engine == engine]


def _values(rows: Sequence[Row], name: str) -> list[float]:
    return [row.figures[name] for row in rows if name in row.figures]


def _mean_of(rows: Sequence[Row], name: str) -> str:
    values = _values(rows, name)
    if not values:
        return "–"
    return f"{np.mean(values):.3f}" if name == "af" else f"{np.mean(values):.2f}"


def _noise(run: Run) -> str:
    """The largest standard error among the means of eq and mrstft."""

    def largest(name: str) -> float:
        found = [_values(_rows(run, engine, kind), name) for engine in run.versions for kind in run.kinds]
        return max((float(np.std(one, ddof=1) / np.sqrt(len(one))) for one in found if len(one) > 1), default=np.nan)

    said = [f"{largest(name):.2f} dB ({name})" for name in ("eq", "mrstft") if np.isfinite(largest(name))]
    return f"Standard error of the means: up to {' and '.join(said)}." if said else ""


def _own_words(rows: Sequence[Row]) -> list[str]:
    """How often refmaster said that it did not reach the loudness, and how far off it was where it said nothing."""
    if not rows:
        return []
    reached = [row.figures["lufs"] for row in rows if not row.said.short_of_loudness]
    failed = sum(bool(row.said.failed_checks) for row in rows)
    text = f'refmaster said "not reached" of the loudness in {_share(rows, lambda row: row.said.short_of_loudness)}'
    if reached:
        text += f"; in the others lufs is {np.mean(reached):.2f} LU, {max(reached):.2f} at most"
    return [f"{text}.", f"A check of its own failed in {failed} of {len(rows)}."]


def _share(rows: Sequence[Row], true_of: Callable[[Row], bool]) -> str:
    count = sum(map(true_of, rows))
    return f"{count} of {len(rows)} cases ({100 * count / len(rows):.0f} %)"


def _time(run: Run) -> str:
    """Mean wall time as a ratio, over the cases that both engines finished."""
    pairs = []
    for outcome in run.outcomes:
        wall_s = {row.engine: row.wall_s for row in outcome.rows if not row.failed}
        if {"refmaster", "matchering"} <= set(wall_s):
            pairs.append((wall_s["refmaster"], wall_s["matchering"]))
    if not pairs:
        return ""
    ours, theirs = np.mean(pairs, axis=0)
    return f"Mean wall time of a case: refmaster {ours / theirs:.2f} × matchering (both in process and warmed up)."
