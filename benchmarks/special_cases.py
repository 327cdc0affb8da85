"""Cases in which matching does harm if nobody watches: real music, files written by the engine, judged from outside.

    python benchmarks/special_cases.py [--only transposed,lossy] [--every 4] [--seconds 25] [--jobs 2] [--json FILE]

Each case is one function that answers with rows: what was measured, its limit, and whether it holds. Needs librosa for
`transposed`; every other case runs without. Exit 1 where a row does not hold.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from scipy import signal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import judge
from benchmarks import outside as o
from benchmarks.judge import FloatArray
from benchmarks.workbench import (
    SIXTHS_HZ,
    Bench,
    Case,
    Clip,
    Done,
    Row,
    clips,
    judged,
    table,
    through,
    transposed_copy,
)
from refmaster.analyse import measure
from refmaster.load import track_of
from refmaster.moves import mover_of

SEMITONES = (-6, -3, -2, -1, 1, 2, 3, 6)
# What a listener would put beside an unmastered mix of a genre.
NEIGHBOURS = {
    "classical": ("orchestral_cinematic", "world"),
    "electronic_vocal_unmastered": ("electronic", "pop_vocal"),
    "jazz_blues": ("latin_tropical", "folk_acoustic"),
    "hiphop_lofi": ("electronic", "jazz_blues"),
    "rock": ("metal_industrial_game", "game_pop"),
}
# What nobody can have meant, and what the refusal must name.
NONSENSE = (
    ("match_loudness.gain_db=nan", ("match_loudness.gain_db", "-60 to 60 dB")),
    ("match_loudness.gain_db=1e9", ("match_loudness.gain_db", "-60 to 60 dB")),
    ("match_loudness.gain_db=3 LUFS", ("match_loudness.gain_db", "-60 to 60 dB")),
    ("match_eq/high_shelf.gain_db=2kHz", ("match_eq/high_shelf.gain_db", "-24 to 24 dB")),
    ("match_eq/hi_shelf.gain_db=2", ("match_eq/hi_shelf", "'match_eq/high_shelf'", "-24 to 24 dB")),
    ("match_eqq/bell_3.gain_db=2", ("match_eqq/bell_3", "'match_eq/bell_3'", "-24 to 24 dB")),
    ("match_eq/high_shelf.gain=2", ("match_eq/high_shelf", "'match_eq/high_shelf.gain_db'", "-24 to 24 dB")),
)


def transposed(bench: Bench, clip: Clip) -> Iterator[Row]:
    """The reference is the target in another key: nothing about that is a matter of tone."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(samples, rate_hz)
    for steps in SEMITONES:
        done = bench.master(target, transposed_copy(bench, samples, rate_hz, steps))
        eq, bent = done.eq_db(), done.bent_db()
        row = partial(Row, "transposed", clip.title, f"{steps:+d} semitones")
        yield row("EQ rms", _rms(eq), 0.5)
        yield row("EQ max", _worst(eq), 1.0)
        yield row("spectrum rms", _rms(bent), 0.5)
        yield row("spectrum max", _worst(bent), 1.0)


def lossy(bench: Bench, clip: Clip) -> Iterator[Row]:
    """The reference is the target without its top: that is the codec's doing, and no wish for a duller sound."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target, cut = bench.write(samples, rate_hz), o.low_passed(samples, rate_hz, 16000.0)
    for kind in ("16 kHz", "16 kHz, mp3 128", "mp3 128", "mp3 112"):
        reference = bench.write(cut, rate_hz)
        if "mp3" in kind:
            reference = reference.with_suffix(".mp3")
            source = cut if kind.startswith("16") else samples
            reference.write_bytes(o.as_mp3(source, rate_hz, float(kind.split()[-1])))
        done = bench.master(target, reference)
        eq, bent = done.eq_db(), done.bent_db()
        high, thirds_high = SIXTHS_HZ > 14000, judge.CENTRES_HZ > 14000
        row = partial(Row, "lossy", clip.title, kind)
        yield row("EQ over 14 kHz", _worst(eq[high]), 0.1)
        yield row("EQ elsewhere", _worst(eq[~high]), 0.2)
        yield row("spectrum over 14 kHz", _worst(bent[thirds_high]), 0.1)
        yield row("spectrum elsewhere", _worst(bent[~thirds_high]), 0.2)


def second_pass(bench: Bench, clip: Clip) -> Iterator[Row]:
    """Our own master, mastered again toward the same reference: it is there already."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(samples, rate_hz)
    for kind, reference, its_rate_hz in bench.references(clip):
        path = bench.write(reference, its_rate_hz)
        once = bench.master(target, path)
        twice = bench.master(once.path, path)
        row = partial(Row, "second_pass", clip.title, kind)
        for name, before, after in zip(("mid", "side"), o.mid_side(once.sound), o.mid_side(twice.sound), strict=True):
            level, now = o.thirds_db(before, rate_hz), o.thirds_db(after, rate_hz)
            yield row(f"third octaves, {name}", _worst((now - level)[o.live(level)]), 0.1)
        yield row("loudness", abs(_louder_lu(twice.sound, once.sound, rate_hz)), 0.1)


def near_mono(bench: Bench, clip: Clip) -> Iterator[Row]:
    """A side that is only noise or dither is not an image that wants widening."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    mid, rng, step = o.mid_side(samples)[0], np.random.default_rng(1), 2.0**-15
    noise = 10 ** (-90 / 20) * rng.standard_normal(mid.size)
    dithered = [np.round(mid / step + rng.random(mid.size) - rng.random(mid.size)) * step for _ in range(2)]
    for whose, reference, its_rate_hz in bench.references(clip):
        path = bench.write(o.widened(reference, 6.0), its_rate_hz)
        for kind, target in (("noise", np.stack([mid + noise, mid - noise])), ("dither", np.stack(dithered))):
            done = bench.master(bench.write(target, rate_hz), path)
            alone = through(done.moves("match_width"), np.stack([noise, -noise]), rate_hz)
            row = partial(Row, "near_mono", clip.title, f"{whose}, {kind}")
            yield row("side raised by its moves", o.rms_db(alone) - o.rms_db(noise), 0.0)
            yield row("side re mid at 1 kHz", _side_raised_db(done), 0.5)


def empty_top(bench: Bench, clip: Clip) -> Iterator[Row]:
    """What the target has nothing of cannot be lifted, and that is said."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(o.low_passed(samples, rate_hz, 8000.0), rate_hz)
    for whose, reference, its_rate_hz in bench.references(clip):
        path = bench.write(o.high_shelved(reference, its_rate_hz, 4000.0, 4.0), its_rate_hz)
        for amount in (50.0, 100.0):
            done = bench.master(target, path, amount=amount)
            eq = done.eq_db()
            rest = eq[(SIXTHS_HZ >= 500) & (SIXTHS_HZ <= 6000)].mean()
            row = partial(Row, "empty_top", clip.title, f"{whose}, amount {amount:.0f}")
            yield row("EQ over 9 kHz", float((eq[SIXTHS_HZ > 9000] - rest).max()), 1.0)
            yield row("spectrum over 9 kHz", _empty_raised_db(done), 1.0)
            yield row("not said why", float(not done.says(r"\d ?k?Hz")), 0.0)


def loud_reference(bench: Bench, clip: Clip) -> Iterator[Row]:
    """The reference is crushed to −8 LUFS: the ceiling holds, and what is not reached is said."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(samples, rate_hz)
    for whose, reference, its_rate_hz in bench.references(clip):
        loud = o.driven(reference, its_rate_hz, -8.0)
        done = bench.master(target, bench.write(loud, its_rate_hz))
        row = partial(Row, "loud_reference", clip.title, whose)
        yield row("over the ceiling, 16×", judge.fine_true_peak_dbtp(done.sound) + 1.0, 0.02)
        miss = abs(judge.integrated_lufs(done.sound, rate_hz) - judge.integrated_lufs(loud, its_rate_hz))
        yield row("loudness", miss, 0.3, said=done.says("integrated_lufs") if miss > 0.3 else "")


def unmastered(bench: Bench, clip: Clip) -> Iterator[Row]:
    """A real mix toward finished records of neighbouring genres: gentle, and every claim true."""
    target = bench.write(*clip.sound(2 * bench.seconds))
    for genre in NEIGHBOURS.get(clip.genre, (clip.genre,)):
        for mate in [one for one in bench.clips if one.genre == genre and one.finished == "yes" and one != clip][:2]:
            done = bench.master(target, mate.path)
            named = partial(Row, "unmastered", f"{clip.title} to {mate.title}")
            row = partial(named, "")
            yield row("EQ max", _worst(done.eq_db()), 6.0)
            yield row("spectrum max", _worst(done.bent_db()), 6.0)
            yield row("over the ceiling, 16×", judge.fine_true_peak_dbtp(done.sound) + 1.0, 0.02)
            over_pct = _over_4_db_pct(done)
            said = done.says("limit|peaks") if over_pct > 1 else ""
            yield row("% of time over 4 dB", over_pct, 1.0, said=said)
            yield from _effects(named, done)


def effects(bench: Bench, clip: Clip) -> Iterator[Row]:
    """A dull and narrow half toward the other half and toward another song, loud and not: every claim true."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(o.widened(o.high_shelved(samples, rate_hz, 4000.0, -4.0), -3.0), rate_hz)
    for whose, reference, its_rate_hz in bench.references(clip):
        for kind, sound in (("", reference), (", loud", o.driven(reference, its_rate_hz, -8.0))):
            done = bench.master(target, bench.write(sound, its_rate_hz))
            yield from _effects(partial(Row, "effects", f"{clip.title} ({whose}{kind})"), done)


def mono_fold(bench: Bench, clip: Clip) -> Iterator[Row]:
    """Folded to mono, a master loses no more than its target did."""
    samples, _, rate_hz = clip.halves(bench.seconds)
    target = bench.write(samples, rate_hz)
    for whose, reference, its_rate_hz in bench.references(clip):
        done = bench.master(target, bench.write(reference, its_rate_hz))
        worse = o.mono_loss_db(done.target, rate_hz) - o.mono_loss_db(done.sound, rate_hz)
        row = partial(Row, "mono_fold", clip.title, whose)
        yield row("overall", float(worse[0]), 0.1)
        yield row("worst of five bands", float(np.nanmax(worse[1:])), 0.1)


def overrides(bench: Bench, clip: Clip) -> Iterator[Row]:
    """Nonsense leaves with 2 and one line that names the move, the range and the nearest id; nothing is written."""
    target, program = bench.write(*clip.sound(5.0)), Path(__file__).parents[1] / "cli.py"
    for setting, names in NONSENSE:
        words = [sys.executable, program, target, "--ref", target, "-o", bench.folder / "out.wav", "--set", setting]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        missing = [name for name in names if name not in done.stderr]
        row = partial(Row, "overrides", clip.title, setting)
        yield row("not named", float(len(missing)), 0.0)
        yield row("not 2, or not one line", float(done.returncode != 2 or len(done.stderr.splitlines()) != 1), 0.0)
        yield row("written", float(len(list(bench.folder.glob("out*")))), 0.0)


CASES: dict[str, Case] = {
    one.__name__: one
    for one in (
        transposed,
        lossy,
        second_pass,
        near_mono,
        empty_top,
        loud_reference,
        unmastered,
        effects,
        mono_fold,
        overrides,
    )
}


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def _worst(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else 0.0


def _side_raised_db(done: Done) -> float:
    """How much more the side was raised than the mid at the same moment: a limiter turns both down alike."""
    sos = signal.butter(4, (891.0, 1122.0), "band", fs=done.rate_hz, output="sos")
    n = round(0.05 * done.rate_hz)
    narrow = [signal.sosfilt(sos, one) for one in (*o.mid_side(done.target), *o.mid_side(done.sound))]
    powers = [(one[: one.size // n * n].reshape(-1, n) ** 2).mean(axis=1) + 1e-16 for one in narrow]
    mid, side, mid_after, side_after = powers
    heard = mid > mid.max() * 10 ** (-judge.HEARD_DB / 10)
    return float(np.median(10 * np.log10((side_after / side) / (mid_after / mid))[heard]))


def _empty_raised_db(done: Done) -> float:
    """The third octaves over 9 kHz against those from 500 Hz to 6 kHz; 90 dB under the fullest nothing is heard."""
    before, after = (o.thirds_db(o.mid_side(one)[0], done.rate_hz) for one in (done.target, done.sound))
    empty, full = judge.CENTRES_HZ > 10000, (judge.CENTRES_HZ >= 500) & (judge.CENTRES_HZ <= 6000)
    floor = before.max() - 90
    raised = np.maximum(after, floor) - np.maximum(before, floor)
    return float(raised[empty].max() - (after - before)[full].mean())


def _over_4_db_pct(done: Done) -> float:
    """How long the limiter takes more than 4 dB: the same chain without it, compared every 10 ms by peaks."""
    free = through([move for move in done.report.plan.active if move.mover != "limit_peaks"], done.target, done.rate_hz)
    n = round(0.01 * done.rate_hz)
    peaks = [np.abs(one[:, : one.shape[1] // n * n]).reshape(2, -1, n).max(axis=(0, 2)) for one in (free, done.sound)]
    taken_db = 20 * np.log10(np.maximum(peaks[0], 1e-6) / np.maximum(peaks[1], 1e-6))
    return float(100 * np.mean(taken_db > 4.0))


def _effects(named: Callable[..., Row], done: Done) -> Iterator[Row]:
    """Each stated effect against the same chain without the move, levels matched: by our own meter and by another."""
    whole = measure(track_of(done.sound, done.rate_hz)).profile
    for name, stated in done.report.effects:
        move = next(one for one in done.report.plan.active if one.id == name)
        without = through([one for one in done.report.plan.active if one.id != name], done.target, done.rate_hz)
        if stated.feature not in ("integrated_lufs", "true_peak_dbtp"):
            without *= 10 ** (_louder_lu(done.sound, without, done.rate_hz) / 20)
        other = measure(track_of(without, done.rate_hz)).profile
        said = stated.after - stated.before
        found = mover_of(move).effect(move, whole).after - mover_of(move).effect(move, other).after
        if move.mover == "remove_dc":  # told as the target has it, at the target's level
            found *= 10 ** (_louder_lu(done.target, done.sound, done.rate_hz) / 20)
        where = f"{name}: {said:+.2f} said, {found:+.2f}"
        yield named(f"{name}: {said:+.2f}, not {found:+.2f}", "effects, our meter", _off(said, found), 1.0)
        apart = _seen(stated.feature, done, without)
        if apart is not None:
            where = f"{stated.feature}: {said:+.2f}, not {apart:+.2f}"
            yield named(where, "effects, another meter", _off(said, apart), 1.0)


def _louder_lu(one: FloatArray, other: FloatArray, rate_hz: int) -> float:
    return judge.integrated_lufs(one, rate_hz) - judge.integrated_lufs(other, rate_hz)


def _off(said: float, found: float) -> float:
    """How far a claim is from what is found, in tolerances (20 %, 0.1 dB at least)."""
    return abs(said - found) / max(0.1, 0.2 * abs(found))


def _seen(feature: str, done: Done, without: FloatArray) -> float | None:
    """The change of a feature as one would read it off an analyser: an octave about the frequency."""
    if feature == "integrated_lufs":
        return _louder_lu(done.sound, without, done.rate_hz)
    if feature == "true_peak_dbtp":
        return judge.fine_true_peak_dbtp(done.sound) - judge.fine_true_peak_dbtp(without)
    now, before = o.mid_side(done.sound), o.mid_side(without)
    mid, side = (o.thirds_db(a, done.rate_hz) - o.thirds_db(b, done.rate_hz) for a, b in zip(now, before, strict=True))
    rest = (judge.CENTRES_HZ >= 100) & (judge.CENTRES_HZ <= 10000)
    at = re.search(r"_at_(\d+)_hz", feature)
    here = np.abs(np.log2(judge.CENTRES_HZ / float(at[1]))) <= 0.5 if at else rest
    if not here.any():
        return None
    if feature.startswith("tone_at"):
        return float(mid[here].mean() - mid[rest].mean())
    return float((side - mid)[here].mean()) if feature.startswith("side_to_mid") else None


def chosen(name: str, found: tuple[Clip, ...], every: int) -> tuple[Clip, ...]:
    """The clips that a case is about."""
    if name == "overrides":
        return found[:1]
    if name == "unmastered":
        return tuple(clip for clip in found if clip.finished == "no")[:: min(every, 2)]
    if name in ("second_pass", "loud_reference"):
        found = tuple(clip for clip in found if clip.finished == "yes")
    return found[::every]


def _judged(name: str, bench: Bench, clip: Clip) -> list[Row]:
    warnings.simplefilter("ignore")
    return judged(CASES[name], bench, clip)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAMES", help=f"cases, by commas: {', '.join(CASES)}")
    parser.add_argument("--clip", metavar="TITLE", default="", help="only clips whose title holds this")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every n-th clip")
    parser.add_argument("--seconds", type=float, default=25.0, help="of each half of a clip")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep transposed copies there for the next run")
    asked = parser.parse_args()
    found, rows = clips(), []
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(max_workers=asked.jobs) as pool:
        bench = Bench(Path(folder), found, asked.seconds, asked.keep or Path(folder))
        work = [
            pool.submit(_judged, name, bench, clip)
            for name in (asked.only.split(",") if asked.only else CASES)
            for clip in chosen(name, found, asked.every)
            if asked.clip.lower() in clip.title.lower()
        ]
        for one in work:
            rows += one.result()
            print(*one.result(), sep="\n", flush=True)
    print(f"\n{table(rows)}")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) | {"holds": row.holds} for row in rows], indent=1))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
