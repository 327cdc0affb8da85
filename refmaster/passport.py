"""The reference passport: what a reference is to the target, and what of it can be trusted.

Everything here is read from records; nothing is measured and nothing decided. What the engine leaves out of a match is
said by `Comparison.ignored`; a passport says what a person should know before choosing this reference at all.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from refmaster.analyse import SHORTEST_S, is_inaudible
from refmaster.compare import CODEC_HZ, is_limited, teaches_no_tone
from refmaster.compare.pairing import is_inverted, no_image, no_music
from refmaster.compare.width import NEAR_MONO_DB
from refmaster.dsp.octaves import unbent_below_hz
from refmaster.genres.features import features
from refmaster.genres.statistics import whole_width_db
from refmaster.measure.defects import INAUDIBLE_TEXT
from refmaster.measure.samples import HELD_DB
from refmaster.nearness import KIND_PCT, apart, in_words, nearer_pct, nearer_words, reasons
from refmaster.records import Comparison, Lesson, Passport, Profile

NARROW_HZ = 8000.0  # taste: a record that ends lower was made for a telephone, and its balance with it
SAME, STRANGER = 0.8, 0.2  # of kinship: where the words for it change, as everywhere
LEAST_DENSITY_DB = 1.0  # taste: a smaller difference in density is none
COUNTS = {"tone": "tone", "dynamics": "dynamics", "loudness": "level", "width": "image"}  # a lesson's name in Weights
MOVING = ("dynamics", "loudness", "width")  # what only music has
RELATIONS = {
    "same file": "it is the target itself",
    "same song": "the same song or session",
    "transposed": "this music in another key",
    "relative": "perhaps a relative",
    "another song": "another song",
}


def passport_of(reference: Profile, target: Profile, comparison: Comparison | None) -> Passport:
    """What a reference is to a target; `comparison` is None where the reference could not be compared at all."""
    relation = _relation(comparison)
    ours, theirs = features(target), features(reference)
    distance = math.nan if comparison is None else apart(ours, theirs)
    farther_pct = 100.0 - nearer_pct(distance)
    still = "" if relation == "same song" else no_music(reference, target)  # a person may say that it is the song
    each = (_tone(reference, target, comparison), _dynamics(reference), _loudness(reference), _width(reference, target))
    able = [Lesson(one.aspect, "nothing", still) if still and one.aspect in MOVING else one for one in each]
    lessons = tuple(_as_counted(lesson, comparison) for lesson in able)
    theirs_alone = lessons[0] == able[0] and (is_inverted(reference) or not is_inverted(target))
    reason = _unsuitable(reference, relation, still, able[0] if theirs_alone else None)
    alike = in_words(reasons(ours, theirs)) if comparison is not None and relation != "same file" else ""
    return Passport(
        path=reference.path,
        suitable=not reason,
        reason=reason,
        relation=relation,
        kinship=0.0 if comparison is None else comparison.kinship,
        transposed_semitones=None if comparison is None else comparison.transposed_semitones,
        farther_pct=farther_pct,
        hf_cutoff_hz=reference.hf_cutoff_hz,
        clipped_runs=_clipped_runs(reference),
        limited=is_limited(reference),
        peaks_held_pct=reference.peaks_held_pct,
        integrated_lufs=reference.integrated_lufs,
        tempo_bpm=reference.tempo_bpm,
        density_db=density_db(reference),
        lessons=lessons,
        facts=tuple(_facts(reference, target, comparison, relation, farther_pct, alike)),
    )


def density_db(profile: Profile) -> float | None:
    """How far the usual level of a band stands above its quiet moments (P50 − P10), mean of the bands; None without."""
    depths = [band.p50_dbfs - band.p10_dbfs for band in profile.dynamics]
    return sum(depths) / len(depths) if depths and profile.integrated_lufs is not None else None


def passports_of(references: Sequence[Profile], target: Profile, comparison: Comparison) -> tuple[Passport, ...]:
    """The passport of each of several references that were compared together, in their order."""
    return tuple(
        passport_of(
            one,
            target,
            replace(comparison, kinship=seen.kinship, transposed_semitones=seen.transposed_semitones, seen=(seen,)),
        )
        for one, seen in zip(references, comparison.seen, strict=True)
    )


def in_short(passport: Passport) -> str:
    """The passport in a sentence."""
    return (
        f"The reference {taught(passport)}."
        if passport.suitable
        else f"Not suitable as a reference: {passport.reason}."
    )


def taught(passport: Passport) -> str:
    """What a reference can teach, to end a sentence with that begins with its name."""
    if not passport.suitable:
        return f"is not suitable as a reference: {passport.reason}"
    by = {kind: [one for one in passport.lessons if one.teaches == kind] for kind in ("all", "part", "nothing")}
    said = [", ".join(one.aspect for one in by["all"])] if by["all"] else []
    said += [f"{one.aspect} in part ({one.text})" for one in by["part"]]
    text = f"can teach {'; '.join(said) or 'nothing'}"
    if by["nothing"]:
        text += "; not " + ", ".join(f"{one.aspect} ({one.text})" for one in by["nothing"])
    return text


def as_data(passport: Passport) -> dict[str, object]:
    """The passport as plain data, and in a sentence."""
    return {**asdict(passport), "text": in_short(passport)}


def _relation(comparison: Comparison | None) -> str:
    if comparison is None:
        return "another song"
    if comparison.identical:
        return "same file"
    if comparison.transposed_semitones is not None:
        return "transposed"
    if comparison.kinship > SAME:
        return "same song"
    return "relative" if comparison.kinship >= STRANGER else "another song"


def _unsuitable(reference: Profile, relation: str, still: str, tone: Lesson | None) -> str:
    """Why nobody should master toward it; empty where nothing speaks against it. `tone` is None where it counts not."""
    if reference.integrated_lufs is None:
        return "it is silent, nothing in it lies above −70 LUFS"
    if is_inaudible(reference):
        return f"it has {INAUDIBLE_TEXT}"
    if reference.duration_s < SHORTEST_S:
        length_s = math.floor(100 * reference.duration_s) / 100  # rounded, what is too short could read as long enough
        return f"it is {length_s:.2f} s long, and {SHORTEST_S:g} s are the least that can be compared"
    if relation == "same file":
        return "it is the target itself, and there is nothing to learn from it"
    if still:
        return f"it is no music ({still})"
    if tone is not None and tone.teaches == "nothing":
        return f"its tone cannot be compared: {tone.text}"
    if reference.hf_cutoff_hz is not None and reference.hf_cutoff_hz < NARROW_HZ:
        return f"it ends at {_khz(reference.hf_cutoff_hz)}, so its tonal balance is not that of a full record"
    return ""


def _as_counted(lesson: Lesson, comparison: Comparison | None) -> Lesson:
    """The lesson, unless a person lets the reference count for nothing in it."""
    weights = [getattr(one.weights, COUNTS[lesson.aspect]) for one in comparison.seen] if comparison is not None else []
    unwanted = bool(weights) and not any(weights)
    return Lesson(lesson.aspect, "nothing", "you let it count for nothing") if unwanted else lesson


def _tone(reference: Profile, target: Profile, comparison: Comparison | None) -> Lesson:
    if comparison is None or reference.integrated_lufs is None:
        return Lesson("tone", "nothing", "there is nothing to compare")
    if is_inverted(reference):
        return Lesson("tone", "nothing", "one of its channels seems inverted")
    if is_inverted(target):
        return Lesson("tone", "nothing", "one of the target's channels seems inverted")
    if not any(comparison.tone.weight):
        return Lesson("tone", "nothing", "the two tracks have too little of the spectrum in common")
    limits = []
    if reference.hf_cutoff_hz is not None:
        ends_hz = reference.hf_cutoff_hz
        limits.append(f"up to {_khz(unbent_below_hz(ends_hz))}, as it ends at {_khz(ends_hz)}")
    if teaches_no_tone(comparison):
        limits.append("only at an --amount over 50, as no passage of it is like yours")
    elif comparison.transposed_semitones is None and comparison.kinship < STRANGER:
        limits.append("as a hint, much of its balance is its arrangement")
    return Lesson("tone", "part", "; ".join(limits)) if limits else Lesson("tone", "all", "full bandwidth")


def _dynamics(reference: Profile) -> Lesson:
    if reference.integrated_lufs is None:
        return Lesson("dynamics", "nothing", "it is silent")
    clipped = _clipped_runs(reference) > 0
    if is_limited(reference) or clipped:
        why = "limited and clipped" if is_limited(reference) and clipped else "clipped" if clipped else "limited"
        return Lesson("dynamics", "part", f"how dense it is, not how high its peaks were: it is {why}")
    return Lesson("dynamics", "all", "its peaks are its own")


def _loudness(reference: Profile) -> Lesson:
    if reference.integrated_lufs is None:
        return Lesson("loudness", "nothing", "it is silent")
    return Lesson("loudness", "all", _level(reference.integrated_lufs))


def _width(reference: Profile, target: Profile) -> Lesson:
    if reference.channels == 1 or target.channels == 1:
        return Lesson("width", "nothing", f"the {'reference' if reference.channels == 1 else 'target'} is mono")
    for profile, theirs in ((reference, ""), (target, "of the target: ")):
        why = no_image(profile)
        if why:
            return Lesson("width", "nothing", theirs + why)
    width_db = whole_width_db(reference)
    if width_db is None or width_db < NEAR_MONO_DB:
        return Lesson("width", "nothing", "it is mono but for traces")
    return Lesson("width", "all", f"side {width_db:+.1f} dB to mid".replace("-", "−"))


def _facts(
    reference: Profile,
    target: Profile,
    comparison: Comparison | None,
    relation: str,
    farther_pct: float,
    alike: str,
) -> Iterator[str]:
    if comparison is not None:
        yield _kin_fact(comparison, relation)
    if alike:
        kind = "the same kind" if 100 - farther_pct <= KIND_PCT else "another kind"
        near = nearer_words(100 - farther_pct)
        nearer = f"of 100 pairs of songs of one genre, {near} {'is' if near in ('1', 'fewer than 1') else 'are'} nearer"
        yield f"{kind} of music ({nearer}); against the target: {alike}"
    yield from _file_facts(reference)
    if reference.tempo_bpm is not None:
        other = "" if target.tempo_bpm is None else f"; the target {target.tempo_bpm:.0f}"
        yield f"{reference.tempo_bpm:.0f} BPM{other}"
    ours, theirs = density_db(target), density_db(reference)
    if ours is not None and theirs is not None:
        gap = theirs - ours
        word = "sparser than" if gap > LEAST_DENSITY_DB else "denser than" if gap < -LEAST_DENSITY_DB else "as dense as"
        yield f"{word} the target: quiet moments lie {theirs:.1f} dB under the usual level, the target's {ours:.1f} dB"


def _kin_fact(comparison: Comparison, relation: str) -> str:
    if comparison.transposed_semitones is not None:
        return f"this music in another key ({comparison.transposed_semitones:+.0f} semitones)".replace("-", "−")
    if relation == "same file":
        return RELATIONS[relation]
    return f"{RELATIONS[relation]} (same song: {100 * comparison.kinship:.0f} %)"


def _file_facts(reference: Profile) -> Iterator[str]:
    if reference.integrated_lufs is not None:
        peak = "" if reference.true_peak_dbtp is None else f", true peak {reference.true_peak_dbtp:+.1f} dBTP"
        yield f"{_level(reference.integrated_lufs)}{peak}".replace("-", "−")
    cutoff_hz = reference.hf_cutoff_hz
    if cutoff_hz is None:
        yield "nothing is cut off at the top"
    else:
        by = "where lossy codecs cut" if cutoff_hz >= CODEC_HZ else "lower than codecs cut"
        yield f"ends at {_khz(cutoff_hz)}, {by}"
    clipped = _clipped_runs(reference)
    yield f"clipped: {clipped} flat tops" if clipped else "no flat tops"
    held_pct = reference.peaks_held_pct
    near = (
        ""
        if held_pct is None
        else f" (for {held_pct:.1f} % of the time its peaks are within {HELD_DB:g} dB of the top)"
    )
    yield f"{'limited' if is_limited(reference) else 'not limited'}{near}"


def _clipped_runs(profile: Profile) -> int:
    return next((round(defect.value) for defect in profile.defects if defect.name == "clipped_runs"), 0)


def _level(lufs: float) -> str:
    return f"{lufs:.1f} LUFS".replace("-", "−")


def _khz(frequency_hz: float) -> str:
    return f"{frequency_hz / 1000:.1f} kHz"
