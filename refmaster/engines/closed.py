"""What matchering did, in numbers: its tone as a curve, each gap and what is left of it, and a text made of both."""

from dataclasses import dataclass, replace

import numpy as np

from refmaster.analyse import Measured
from refmaster.compare import compare
from refmaster.drive import TOLERANCE_LU
from refmaster.dsp.octaves import less_level
from refmaster.plan import Material
from refmaster.records import Comparison, Gap, Profile
from refmaster.units import FloatArray, Mask, written

HEARD_DB = 60.0  # a band so far under the target's fullest holds nothing whose gain could be told
HEARD_HZ = (30.0, 18_000.0)
JUST_HEARD_DB = 0.5  # DESIGN §4: the threshold of hearing for tone
SILENT_LUFS = -70.0  # BS.1770's absolute gate
SAID = {"side_to_mid_db": "side over mid", "integrated_lufs": "loudness"}


@dataclass(frozen=True)
class Tone:
    """What matchering did to the tone: level-free gain of the mid in the bands where the target holds something."""

    at_hz: FloatArray
    gain_db: FloatArray
    heard: Mask

    def __str__(self) -> str:
        at, gain = self.at_hz[self.heard], self.gain_db[self.heard]
        low, high = (
            f"{written('gain_db', float(gain[k]))} at {written('centre_hz', float(at[k]))}"
            for k in (int(gain.argmin()), int(gain.argmax()))
        )
        return f"EQ of {_rms(gain):.1f} dB rms, from {low} to {high}"


@dataclass(frozen=True)
class Closed:
    """A gap, and what the master reads of the same feature."""

    gap: Gap
    master: float


def tone_of(target: Profile, after: Profile) -> Tone:
    """What was done between two profiles of one track."""
    at_hz, level = np.array(target.band_hz), np.array(target.ltas_db)
    heard = (level > level.max() - HEARD_DB) & (at_hz >= HEARD_HZ[0]) & (at_hz <= HEARD_HZ[1])
    if not heard.any():
        heard[:] = True
    gain = np.array(after.ltas_db) - level
    return Tone(at_hz, np.where(heard, less_level(gain, heard), 0.0), heard)


def closed(material: Material, reference: Measured, before: Comparison, after: Measured) -> tuple[Closed, ...]:
    """Tone, width where there is any, and loudness: how far target and master are from the reference."""
    target = material.target
    now = compare(after, reference, material.genre).tone
    weight = np.array(before.tone.weight) > 0
    full, believed, left = (np.array(v)[weight] for v in (before.tone.full_db, before.tone.wanted_db, now.full_db))
    tone = Gap("tone_rms_db", _rms(full), 0.0, JUST_HEARD_DB, _rms(full - believed))
    here, theirs, mine = (m.profile.integrated_lufs for m in (target, reference, after))
    loudness = Gap("integrated_lufs", here or 0.0, theirs or 0.0, TOLERANCE_LU, 0.0)
    width = _width(before, target.profile, reference.profile, after.profile)
    found = (Closed(tone, _rms(left)), *width, Closed(loudness, SILENT_LUFS if mine is None else mine))
    return tuple(Closed(replace(one.gap, taken_pct=_taken_pct(one)), one.master) for one in found)


def _width(comparison: Comparison, target: Profile, reference: Profile, after: Profile) -> tuple[Closed, ...]:
    """Side over mid, averaged over the bands in which all three have a side; nothing where there is none."""
    weight = np.array(comparison.tone.weight) > 0
    rows = [np.array(profile.side_to_mid_db, dtype=float) for profile in (target, reference, after)]
    common = weight & np.isfinite(rows).all(axis=0)
    if not common.any():
        return ()
    here, theirs, mine = (float(row[common].mean()) for row in rows)
    curve = comparison.width
    believed = 0.0 if curve is None else float(np.average(curve.wanted_db, weights=curve.weight))
    return (Closed(Gap("side_to_mid_db", here, theirs, JUST_HEARD_DB, abs(theirs - here - believed)), mine),)


def _taken_pct(closed: Closed) -> float:
    gap = closed.gap
    if abs(gap.delta) <= gap.tolerance:
        return 100.0
    return float(np.clip(100.0 * (closed.master - gap.target) / gap.delta, 0.0, 100.0))


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def text_of(version: str, tone: Tone, closed: tuple[Closed, ...]) -> str:
    """What it did in numbers, and what a person can do about it."""
    levels = [(one.gap.feature, one.gap.target, one.master, one.gap.reference) for one in closed[1:]]
    said = [
        f"{SAID[name]} {written(name, here)} → {written(name, mine)} (reference {written(name, theirs)})"
        for name, here, mine, theirs in levels
    ]
    before, after = (f"{value:.1f} dB" for value in (closed[0].gap.target, closed[0].master))
    return (
        f"matchering {version} matched the reference in full: {tone}; the tone is now {after} rms from the reference,"
        f" where it was {before}; {'; '.join(said)}. It cannot be edited or dropped: to undo it, leave --engine"
        " matchering out."
    )
