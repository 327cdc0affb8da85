"""Deliver: the master rendered, listened to while it is written, and rendered again where its level was mistaken.

What is checked is what will stand there: the file takes its name when all is known of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from refmaster.analyse import Listener, Measured, measure
from refmaster.atomic import Together
from refmaster.dsp.ahead import ahead
from refmaster.dsp.limiter import ReductionMeter
from refmaster.effects import Stretches, stretches_for
from refmaster.load import open_track
from refmaster.markers import copy_markers, state_loudness
from refmaster.measure.excerpt import LimitedMeter
from refmaster.own import line_of, next_mark, sound_digits
from refmaster.plan import HEARINGS, Draft, Material, heard_as
from refmaster.prepare import Told
from refmaster.records import Delivery, Param, Plan, Profile
from refmaster.render import rendered
from refmaster.save import is_lossy, write_audio
from refmaster.tags import copy_tags
from refmaster.units import FloatArray


@dataclass(frozen=True)
class Work:
    """How to work: whom to tell, how many threads, in which blocks, and with which files the master takes its name."""

    told: Told
    threads: int
    block_samples: int
    within: Together


@dataclass(frozen=True)
class Delivered:
    """A master that was written: its plan, what was measured of it, and what was heard on the way."""

    plan: Plan
    profile: Profile
    clipped: int
    notes: tuple[str, ...]
    meter: ReductionMeter
    stretches: Stretches  # of the target


class _Mistaken(Exception):
    """The level is not what it was estimated to be; a better draft."""

    def __init__(self, better: Draft):
        super().__init__()
        self.better = better


def delivered(material: Material, made: Draft, delivery: Delivery, out: Path, work: Work) -> Delivered:
    """Write the master of a draft, whose level is found anew as often as it takes."""
    for last in (*(False,) * (HEARINGS - 1), True):
        try:
            return _written(material, made, delivery, out, work, last=last)
        except _Mistaken as mistaken:
            made = mistaken.better
    raise AssertionError("the last hearing is taken as it comes")


def _written(material: Material, made: Draft, delivery: Delivery, out: Path, work: Work, *, last: bool) -> Delivered:
    """Write the master; measure it while it is still hidden. Raises _Mistaken, and has then left nothing."""
    track, plan = material.track, made.plan
    delivery = _without_needless_dither(delivery, plan)
    total, rate, channels = material.target.profile.n_samples, track.source.sample_rate_hz, track.source.channels
    tell = _share(total, "render", work.told)
    mark = next_mark(material.mark, material.toward, material.request, plan)
    listener = Listener(rate, channels, str(out))
    meter = LimitedMeter(rate, channels, None if is_lossy(delivery) else listener.loudness)
    kept = stretches_for(plan, total, rate)
    plans: list[Plan] = []
    measured: list[Measured] = []
    notes: list[str] = []

    def heard() -> Iterator[FloatArray]:
        blocks = kept.passing(track.blocks(work.block_samples))
        sound = rendered(blocks, plan.moves, rate, meter.reduction, threads=work.threads)
        for block in ahead(sound, threads=work.threads):
            tell(block.shape[1])
            if made.estimated:
                meter.feed(block)
            yield block

    def finish(temp: Path, digest: str) -> None:
        final = plan
        if made.estimated and made.again is not None:
            settled = made.again(heard_as(plan, meter))
            right = not settled.estimated and _sounding(settled.plan) == _sounding(plan)
            if not right and not last:
                raise _Mistaken(settled)
            final = settled.plan if right else plan
        sounding = mark
        if mark is not None and digest:
            sounding = replace(mark, sound=sound_digits(digest, rate), stored=delivery.subtype)
        line = line_of(sounding) if sounding else ""
        notes.extend(copy_tags(track.source.path, temp, line) + copy_markers(track.source.path, temp))
        plans.append(final)

    def look(temp: Path) -> None:
        written, verify = open_track(temp, role="master"), _share(total, "verify", work.told)
        # What is written of a lossy file is not what will be heard.
        measured.append(measure(written, progress=verify) if is_lossy(delivery) else listener.read(written.source))
        state_loudness(temp, measured[-1].profile)

    result = write_audio(
        out,
        heard(),
        sample_rate_hz=rate,
        channels=channels,
        delivery=delivery,
        expected_samples=total,
        stored=None if is_lossy(delivery) else listener.feed,
        finish=finish,
        look=look,
        threads=work.threads,
        within=work.within,
    )
    profile = replace(measured[0].profile, path=str(out))
    return Delivered(plans[0], profile, result.clipped_samples, tuple(notes), meter.reduction, kept)


def _share(total: int, step: str, told: Told) -> Callable[[int], None]:
    """Turn samples heard into a share of the track."""
    heard = 0

    def tell(samples: int) -> None:
        nonlocal heard
        heard += samples
        told(step, min(1.0, heard / total))

    return tell


def _sounding(made: Plan) -> tuple[tuple[str, tuple[Param, ...]], ...]:
    """What of a plan is heard; the words about it may differ."""
    return tuple((move.id, move.params) for move in made.active)


def _without_needless_dither(delivery: Delivery, made: Plan) -> Delivery:
    """Samples that nothing touched stay as they are, to half a step: dither would only add noise."""
    return delivery if made.active else replace(delivery, dithered=False)
