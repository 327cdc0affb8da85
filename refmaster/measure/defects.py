"""What is wrong with a file, as far as its samples tell: each with one number and one sentence.

Named here: that nothing is heard, DC, clipping, inter-sample overs, a silent channel, two equal channels, inverted
polarity, long silence.
"""

import numpy as np

from refmaster.measure.samples import SampleMeter
from refmaster.measure.spectrum import Spectrum
from refmaster.measure.stereo import Image
from refmaster.records import Defect
from refmaster.units import FloatArray

DC_PCT = 0.1  # −60 dBFS: below this an offset costs nothing and may be the music's own asymmetry
CLIPPED_RUNS = 10
SAME_LEVEL_DB = 0.1
LONG_SILENCE_S = 2.0
INAUDIBLE, INAUDIBLE_TEXT = "inaudible", "nothing in it that is heard: no band sounds, as with an offset alone"


def find_defects(
    samples: SampleMeter, image: Image, true_peak_dbtp: float | None, channel_peak: FloatArray, sample_rate_hz: int
) -> tuple[Defect, ...]:
    """Everything of note, worst for the sound first; empty for a clean file."""
    return (*_of_level(samples, true_peak_dbtp), *_of_image(image, channel_peak), *_of_ends(samples, sample_rate_hz))


def of_bands(spectrum: Spectrum, integrated_lufs: float | None) -> tuple[Defect, ...]:
    """That a file whose loudness reads has nothing in any band: of a constant, a meter hears how it begins."""
    inaudible = integrated_lufs is not None and not spectrum.active.any()
    return (Defect(INAUDIBLE, 1.0, INAUDIBLE_TEXT),) if inaudible else ()


def _of_level(samples: SampleMeter, true_peak_dbtp: float | None) -> list[Defect]:
    found = []
    offset = 100 * samples.total / max(1, samples.n_samples)
    worst = float(offset[np.argmax(np.abs(offset))])
    if abs(worst) >= DC_PCT:
        found.append(Defect("dc_offset_pct", worst, f"DC offset of {worst:+.2f} % of full scale".replace("-", "−")))
    if samples.clipped_runs >= CLIPPED_RUNS:
        runs = samples.clipped_runs
        found.append(Defect("clipped_runs", float(runs), f"{runs} flat tops of 3 samples or more: it was clipped"))
    if true_peak_dbtp is not None and true_peak_dbtp > 0:
        found.append(
            Defect("inter_sample_over_dbtp", true_peak_dbtp, f"true peak {true_peak_dbtp:+.2f} dBTP, above full scale")
        )
    return found


def _of_image(image: Image, channel_peak: FloatArray) -> list[Defect]:
    if channel_peak.size < 2:
        return []
    if channel_peak.min() <= 0 < channel_peak.max():
        side = "left" if channel_peak[0] <= 0 else "right"
        return [Defect("silent_channel", 1.0, f"the {side} channel is silent")]
    level = abs(image.balance_db or 0.0) < SAME_LEVEL_DB  # panned it would be mono as well, and has an image
    if image.correlation is not None and image.correlation > 0.999999 and level:
        return [Defect("dual_mono", 1.0, "both channels hold the same: mono in a stereo file")]
    if image.correlation is not None and image.correlation < -0.5:
        return [
            Defect(
                "polarity",
                image.correlation,
                f"correlation {image.correlation:+.2f}: one channel seems inverted; in mono most of it is gone",
            )
        ]
    return []


def _of_ends(samples: SampleMeter, sample_rate_hz: int) -> list[Defect]:
    if samples.first_sound is None:
        return []
    head_s = samples.first_sound / sample_rate_hz
    tail_s = (samples.n_samples - 1 - samples.last_sound) / sample_rate_hz
    return [
        Defect(f"silence_{where}_s", seconds, f"{seconds:.1f} s of silence at the {where}")
        for where, seconds in (("head", head_s), ("tail", tail_s))
        if seconds >= LONG_SILENCE_S
    ]
