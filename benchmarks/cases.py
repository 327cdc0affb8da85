"""Cases with a known answer, made of real clips, and what each engine makes of them.

A is a clip's first half, B its second, x is A with known damage:

    mix     x mastered toward B; right is A          (same song: tone, width and dynamics can be told)
    clean   A mastered toward B; right is A          (there is nothing to do)
    other   x mastered toward another clip's B       (same genre: the reference is a hint); right is A
    match   x mastered toward B in full; right is B  (does it reach what it is shown?)
"""

import csv
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf
from scipy import signal

from benchmarks import judge
from benchmarks.damage import damaged, drawn
from benchmarks.engines import ENGINES, Said, read
from benchmarks.judge import FloatArray
from refmaster.errors import BadSetting

KINDS = ("mix", "clean", "other", "match")
COLUMNS = ("path", "genre", "finished_master")
SHORTEST_S = 15.0  # of a half: under it a song is no answer to a song
SOFTEST_LUFS = -45.0
SEED_STEP = 1000  # seeds of damage: 1000 · round + number of the clip
CEILING_DBTP = -1.0
RESAMPLER_TAPS, RESAMPLER_BETA = 128, 10.0  # a phase; 100 dB
MOST_WORDS = 300  # letters of an error that are kept
HARM_DB = 0.1  # so much farther from the right answer than plain gain is harm


@dataclass(frozen=True)
class Clip:
    """A finished piece of music."""

    path: Path
    genre: str


@dataclass(frozen=True)
class Case:
    """One question, small enough to be sent to another process. `seed` None: the target is not damaged."""

    kind: str
    clip: Clip
    seconds: float
    seed: int | None = None
    mate: Clip | None = None  # whose second half is the reference, where it is not the clip's own

    def __str__(self) -> str:
        return f"{self.kind} {self.clip.path.name}" + ("" if self.seed is None else f" (seed {self.seed})")


@dataclass(frozen=True)
class Row:
    """What one engine made of one case: figures by name, or why there are none."""

    engine: str
    figures: dict[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    said: Said = field(default_factory=Said)
    failed: str = ""


@dataclass(frozen=True)
class Outcome:
    """A case and its rows; no rows, and the reason, where the clip cannot be asked."""

    case: Case
    rows: tuple[Row, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, eq=False)
class Question:
    """The sounds of a case; the truth has the target's rate."""

    target: FloatArray
    rate_hz: int
    reference: FloatArray
    reference_rate_hz: int
    truth: FloatArray


def read_clips(path: Path, every: int) -> tuple[Clip, ...]:
    """Every n-th finished clip of a CSV, which its paths are relative to. Raises BadSetting where there is none."""
    if not path.is_file():
        raise BadSetting(f"no list of clips at {path}; name one with --clips: a CSV with columns {', '.join(COLUMNS)}")
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        lacking = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if lacking:
            raise BadSetting(f"{path.name} has no column {', '.join(lacking)}; needed: {', '.join(COLUMNS)}")
        finished = [row for row in table if row["finished_master"] != "no"]
    clips = tuple(Clip(path.parent / row["path"], row["genre"]) for row in finished)[::every]
    if not clips:
        raise BadSetting(f"{path.name} lists no finished clip; finished_master must not be no for all of them")
    return clips


def cases_of(clips: Sequence[Clip], kinds: Sequence[str], *, seconds: float, seeds: int) -> Iterator[Case]:
    """Every case that the clips give, a clip at a time."""
    for number, clip in enumerate(clips):
        mates = [one for one in clips if one.genre == clip.genre and one is not clip]
        for turn in range(1, seeds + 1):
            seed = SEED_STEP * turn + number
            for kind in (one for one in ("mix", "match") if one in kinds):
                yield Case(kind, clip, seconds, seed)
            if "other" in kinds and mates:
                yield Case("other", clip, seconds, seed, mates[(number + turn) % len(mates)])
        if "clean" in kinds:
            yield Case("clean", clip, seconds)


def answered(case: Case, engines: Sequence[str]) -> Outcome:
    """A case put to every engine in turn. What fails is in the rows; nothing is raised."""
    try:
        question = asked(case)
    except _Unfit as reason:
        return Outcome(case, skipped=str(reason))
    except Exception as error:
        return Outcome(case, tuple(Row(name, failed=_said(error, case.clip.path.parent)) for name in engines))
    with TemporaryDirectory(prefix="quality-") as folder:
        return Outcome(case, tuple(_row(case, question, name, Path(folder)) for name in engines))


def asked(case: Case) -> Question:
    """The sounds of a case. Raises _Unfit where the clip is too short or too soft."""
    first, second, rate_hz = _halves(case.clip, case.seconds)
    if first.shape[1] < SHORTEST_S * rate_hz:
        raise _Unfit(f"{case.clip.path.name}: a half is shorter than {SHORTEST_S:g} s")
    if min(judge.integrated_lufs(half, rate_hz) for half in (first, second)) < SOFTEST_LUFS:
        raise _Unfit(f"{case.clip.path.name}: a half is softer than {SOFTEST_LUFS:g} LUFS")
    target = first if case.seed is None else damaged(first, rate_hz, drawn(case.seed))
    truth = second if case.kind == "match" else first
    if case.mate is None:
        return Question(target, rate_hz, second, rate_hz, truth)
    _, reference, reference_rate_hz = _halves(case.mate, case.seconds)
    return Question(target, rate_hz, reference, reference_rate_hz, truth)


def judged(kind: str, mastered: FloatArray, rate_hz: int, question: Question) -> dict[str, float]:
    """All figures of a master; loudness is compared with the reference's, whatever the right answer is."""
    if mastered.shape[1] == 0 or not np.isfinite(mastered).all():
        raise ValueError("the master is empty or holds NaN")
    heard, wanted = judge.hear(mastered, rate_hz), judge.hear(question.truth, question.rate_hz)
    goal_lufs = judge.integrated_lufs(judge.stereo(question.reference), question.reference_rate_hz)
    figures = judge.distances(heard, wanted)
    figures["lufs"] = abs(heard.loudness_lufs - goal_lufs)
    figures["tp_over"] = max(0.0, heard.true_peak_dbtp - CEILING_DBTP)
    # An engine that changes the rate is compared at the rate that it was given.
    same = _at_rate(mastered, rate_hz, question.rate_hz)
    if kind == "match":
        figures["af"] = judge.feature_distance(same, question.truth, question.rate_hz)
    else:
        figures["mrstft"] = judge.spectral_distance_db(same, question.truth, question.rate_hz)
    return figures


class _Unfit(Exception):
    """A clip that cannot be asked."""


def _halves(clip: Clip, seconds: float) -> tuple[FloatArray, FloatArray, int]:
    """Up to so many seconds from a clip's begin and from its middle, stereo, and its rate."""
    samples, rate_hz = read(clip.path)
    both = judge.stereo(samples)
    middle = both.shape[1] // 2
    length = min(middle, int(seconds * rate_hz))
    return both[:, :length], both[:, middle : middle + length], rate_hz


def _row(case: Case, question: Question, engine: str, folder: Path) -> Row:
    target, reference, out = (folder / f"{name}.wav" for name in ("target", "reference", f"by-{engine}"))
    try:
        sf.write(target, question.target.T, question.rate_hz, subtype="PCM_24")
        sf.write(reference, question.reference.T, question.reference_rate_hz, subtype="PCM_24")
        began = time.perf_counter()
        said = ENGINES[engine](target, reference, out, case.kind == "match")
        wall_s = time.perf_counter() - began
        figures = judged(case.kind, *read(out), question)
        if engine != "gain" and case.kind != "match":
            # The distance heeds no level, so what plain gain would leave is the target's own.
            untouched = judge.spectral_distance_db(read(target)[0], question.truth, question.rate_hz)
            figures["harm"] = float(figures["mrstft"] > untouched + HARM_DB)
        return Row(engine, figures, wall_s, said)
    except Exception as error:
        return Row(engine, failed=_said(error, folder))


def _at_rate(samples: FloatArray, rate_hz: int, wanted_hz: int) -> FloatArray:
    if rate_hz == wanted_hz:
        return samples
    ratio = Fraction(wanted_hz, rate_hz)
    finest = max(ratio.numerator, ratio.denominator)
    # scipy's own filter begins to fall at 19 kHz, this one at 21 of 22: what is lost there is not the engine's doing.
    taps = signal.firwin(RESAMPLER_TAPS * finest + 1, 1 / finest, window=("kaiser", RESAMPLER_BETA))
    return np.asarray(signal.resample_poly(samples, ratio.numerator, ratio.denominator, axis=1, window=taps))


def _said(error: Exception, folder: Path) -> str:
    """An exception on one line, without the folder: a page is no place for the paths of one machine."""
    text = f"{type(error).__name__}: {error}".replace(f"{folder}{os.sep}", "")
    return " ".join(text.split())[:MOST_WORDS]
