"""What a benchmark works with: clips of music, masters made of them from file to file, and rows of figures."""

import csv
import math
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import judge
from benchmarks import outside as o
from benchmarks.judge import FloatArray
from refmaster.errors import RefmasterError
from refmaster.pipeline import Options, master
from refmaster.records import Move, Report
from refmaster.render import rendered

AUDIO = Path(__file__).parents[2] / "shared" / "audio"
SIXTHS_HZ = 25.0 * 2.0 ** (np.arange(57) / 6)  # 25 Hz … 16 kHz


@dataclass(frozen=True)
class Clip:
    """One piece of music; `finished` is yes, no or unknown, as its list says."""

    path: Path
    genre: str
    title: str
    finished: str

    def sound(self, seconds: float = math.inf) -> tuple[FloatArray, int]:
        """The clip in stereo from its start, at most so long, and its rate."""
        samples, rate_hz = o.read(self.path)
        return judge.stereo(samples)[:, : round(min(seconds * rate_hz, samples.shape[1]))], rate_hz

    def halves(self, seconds: float) -> tuple[FloatArray, FloatArray, int]:
        """Two stretches of the same song that do not overlap, at most so long."""
        samples, rate_hz = self.sound()
        middle = samples.shape[1] // 2
        length = min(middle, round(seconds * rate_hz))
        return samples[:, :length], samples[:, middle : middle + length], rate_hz


def clips(folder: Path = AUDIO) -> tuple[Clip, ...]:
    """The clips that a folder lists in its clips.csv."""
    with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return tuple(Clip(folder / row["path"], row["genre"], row["title"], row["finished_master"]) for row in rows)


@dataclass(frozen=True)
class Row:
    """One figure. It holds where `value` ≤ `limit`, or where `said` is what the engine said of not keeping it."""

    case: str
    clip: str
    setting: str
    what: str
    value: float
    limit: float
    said: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure is within its limit, or the engine said that it would not be."""
        return bool(self.value <= self.limit or self.said)

    def __str__(self) -> str:
        verdict = "ok" if self.value <= self.limit else "said" if self.holds else "BAD"
        name = f"{self.case:<14} {self.clip[:44]:<44} {self.setting[:44]:<44} {self.what[:30]:<30}"
        return f"{name} {self.value:>8.3f} {self.limit:>6.2f} {verdict}"


@dataclass(frozen=True)
class Done:
    """A master, and the target it was made of."""

    report: Report
    target: FloatArray
    sound: FloatArray
    rate_hz: int
    path: Path

    def moves(self, *movers: str) -> list[Move]:
        """The moves that are heard, of these movers."""
        return [move for move in self.report.plan.active if move.mover in movers]

    def eq_db(self, at_hz: FloatArray = SIXTHS_HZ) -> FloatArray:
        """What all EQ moves together do: an impulse sent through them."""
        impulse = np.zeros((1, 65536))
        impulse[0, 0] = 1.0
        out = through(self.moves("match_eq"), impulse, self.rate_hz)[0]
        response_db = 20 * np.log10(np.maximum(np.abs(np.fft.rfft(out)), 1e-9))
        return np.interp(at_hz, np.fft.rfftfreq(out.size, 1 / self.rate_hz), response_db)

    def bent_db(self) -> FloatArray:
        """What the master did to the third octaves, level removed; nan where the target is faint."""
        return o.bent_db(self.sound, self.target, self.rate_hz)

    def says(self, pattern: str) -> str:
        """What the engine says could not be reached, where it fits the pattern."""
        told = (f"{one.what}: {one.text}" for one in self.report.plan.not_reached)
        return next((one for one in told if re.search(pattern, one)), "")


@dataclass(frozen=True)
class Bench:
    """Where to work, on what, and how much of it. `pitched` keeps transposed copies."""

    folder: Path
    clips: tuple[Clip, ...]
    seconds: float
    pitched: Path

    def mate(self, clip: Clip) -> Clip:
        """Another clip of the genre, or of any where there is none; always the same."""
        others = [one for one in self.clips if one.genre == clip.genre and one != clip]
        others = others or [one for one in self.clips if one != clip]
        return others[zlib.crc32(clip.title.encode()) % len(others)]

    def references(self, clip: Clip) -> Iterator[tuple[str, FloatArray, int]]:
        """What a clip's first half may be mastered toward: its second half, and its mate."""
        _, second, rate_hz = clip.halves(self.seconds)
        yield "same song", second, rate_hz
        mate, _, mate_rate_hz = self.mate(clip).halves(self.seconds)
        yield "genre", mate, mate_rate_hz

    def write(self, samples: FloatArray, rate_hz: int) -> Path:
        """The sound in a file of its own."""
        return o.write(Path(tempfile.mkdtemp(dir=self.folder)) / "sound.wav", samples, rate_hz)

    def master(self, target: Path, reference: Path, *, amount: float = 50.0) -> Done:
        """Master from file to file."""
        out = Path(tempfile.mkdtemp(dir=self.folder)) / "master.wav"
        report = master(target, reference, out, amount=amount, options=Options(html=False))
        sound, rate_hz = o.read(out)
        return Done(report, judge.stereo(o.read(target)[0]), judge.stereo(sound), rate_hz, out)


Case = Callable[[Bench, Clip], Iterator[Row]]


def through(moves: list[Move], samples: FloatArray, rate_hz: int) -> FloatArray:
    """Sound through moves."""
    return np.concatenate(list(rendered([samples], moves, rate_hz)), axis=1)


def judged(case: Case, bench: Bench, clip: Clip) -> list[Row]:
    """A case's rows, in a folder of its own; a clip that the engine refuses is told and does not count."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        try:
            return list(case(replace(bench, folder=Path(folder)), clip))
        except RefmasterError as error:
            return [Row(case.__name__, clip.title, "", "refused", 1.0, 0.0, said=str(error))]


def transposed_copy(bench: Bench, samples: FloatArray, rate_hz: int, semitones: int) -> Path:
    """The sound in another key at its old tempo; kept, because a phase vocoder takes longer than the engine."""
    path = bench.pitched / f"{zlib.crc32(samples.tobytes()):08x}{semitones:+d}.wav"
    if not path.exists():
        import librosa

        shifted = librosa.effects.pitch_shift(samples, sr=rate_hz, n_steps=semitones)
        o.write(path.with_suffix(f".{os.getpid()}.wav"), shifted, rate_hz, "FLOAT").replace(path)
    return path


def table(rows: list[Row]) -> str:
    """A line a figure: how many rows, how many hold, the median and the worst."""
    lines = [f"{'case':<14} {'figure':<30} {'rows':>5} {'hold':>5} {'median':>8} {'worst':>8} {'limit':>6}"]
    for case, what in dict.fromkeys((row.case, row.what) for row in rows):
        found = [row for row in rows if (row.case, row.what) == (case, what)]
        values, held = [row.value for row in found], sum(row.holds for row in found)
        lines.append(
            f"{case:<14} {what[:30]:<30} {len(found):>5} {held:>5} {np.median(values):>8.2f} {max(values):>8.2f} "
            f"{found[0].limit:>6.2f}{'' if held == len(found) else '  BAD'}"
        )
    return "\n".join(lines)
