"""What was measured: of a file, of a track, of a genre, and of two tracks side by side."""

from dataclasses import astuple, dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Source:
    """A file, or an array, that sound comes from. Sample counts are not here: headers lie, so they are counted."""

    path: str
    sha256: str
    sample_rate_hz: int
    channels: int
    container: str  # libsndfile's name, "WAV"; "array" for sound that is in memory already
    subtype: str  # "PCM_24", "VORBIS", …
    bit_depth: int | None  # None for lossy files and where the format does not say
    lossy: bool


@dataclass(frozen=True)
class BandLevels:
    """Distribution of the level of 50 ms blocks in one frequency band of the mid, over active blocks."""

    low_hz: float
    high_hz: float
    p10_dbfs: float
    p50_dbfs: float
    p95_dbfs: float
    p99_dbfs: float

    @property
    def loud_over_median_db(self) -> float:
        """How far loud blocks (P95) stand above the median block, dB."""
        return self.p95_dbfs - self.p50_dbfs


@dataclass(frozen=True)
class Defect:
    """Something about a file that a person should know: a name, one number, and a sentence."""

    name: str
    value: float
    text: str


@dataclass(frozen=True)
class Section:
    """A stretch of the track that hangs together, and how loud it is."""

    start_s: float
    end_s: float
    integrated_lufs: float | None


@dataclass(frozen=True)
class Profile:
    """All that is measured of one track. Numbers only; is JSON.

    Bands are 1/6 octave, centres in `band_hz`. `ltas_db` is the level of the mid in each band, dBFS, averaged in
    power over active frames; `ltas_sd_db` how far ~5 s segments stand from it; `side_to_mid_db` the side's level
    above the mid's (None in mono and where either holds nothing). `peaks_held_pct` is the share of 10 ms stretches
    whose peak stands within 0.5 dB of the highest: a limiter holds many there, music on its own few. Histories are
    one value each `history_hop_s`.
    """

    path: str
    sha256: str
    sample_rate_hz: int
    channels: int
    n_samples: int
    duration_s: float
    container: str
    subtype: str
    lossy: bool
    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_short_term_lufs: float | None
    max_momentary_lufs: float | None
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None
    plr_db: float | None
    psr_db: float | None
    psr_p10_db: float | None
    crest_db: float | None
    peaks_held_pct: float | None
    correlation: float | None
    balance_db: float | None
    tilt_db_per_oct: float | None
    hf_cutoff_hz: float | None
    mono_loss_db: float | None
    band_hz: tuple[float, ...]
    ltas_db: tuple[float, ...]
    ltas_sd_db: tuple[float, ...]
    side_to_mid_db: tuple[float | None, ...]
    dynamics: tuple[BandLevels, ...]
    dc_offset_pct: tuple[float, ...]
    history_hop_s: float
    short_term_lufs: tuple[float | None, ...]
    momentary_lufs: tuple[float | None, ...]
    sections: tuple[Section, ...] = ()
    defects: tuple[Defect, ...] = ()
    percussive_pct: float | None = None  # how much of the power is in hits, and not in what lasts
    shape_sd_db: float | None = None  # how far the shape of the spectrum moves from frame to frame; noise under 0.7
    dc_drift_pct: tuple[float, ...] = ()  # how far each channel's offset strays from its mean; silence has none
    tempo_bpm: float | None = None  # None where nothing repeats; half and double may be taken for each other


@dataclass(frozen=True)
class Spread:
    """How one number of a Profile spreads over the tracks of a genre: percentiles, None where no source gives one."""

    name: str
    p10: float
    p25: float | None
    p50: float
    p75: float | None
    p90: float
    n_tracks: int  # 0 where the source does not say how many tracks are behind it


@dataclass(frozen=True)
class ToneSpread:
    """How the spectra of a genre's songs lie around their mean: levels of the mid, 1/6 octave, dB.

    The level of each song is removed: its bands from 100 Hz to 10 kHz average 0. The covariance between bands is the
    sum of the outer products of `factors_db`, plus the squares of `rest_sd_db` on the diagonal. `mean_sd_db` is how
    far the mean itself may be off.
    """

    band_hz: tuple[float, ...]
    mean_db: tuple[float, ...]
    mean_sd_db: tuple[float, ...]
    factors_db: tuple[tuple[float, ...], ...]
    rest_sd_db: tuple[float, ...]


@dataclass(frozen=True)
class WidthSpread:
    """Side above mid in each band over a genre's songs: mean and standard deviation, dB."""

    band_hz: tuple[float, ...]
    mean_db: tuple[float, ...]
    sd_db: tuple[float, ...]


@dataclass(frozen=True)
class Genre:
    """What is normal for a kind of music, and how much good records of it differ (1/6-octave bands).

    `kind` is "measured" on tracks, or "published" where the figures are other people's. `trust`, 0 to 1, is the share
    of what its mean spectrum says that is the genre and not chance: 0 where it has none. `practice_lufs` is how loud
    people make such music, by a survey; `spreads` what was measured.
    """

    name: str
    label: str
    n_tracks: int
    source: str
    song_sd_hz: tuple[float, ...]
    song_sd_db: tuple[float, ...]  # between songs, level removed, at song_sd_hz
    segment_sd_db: float  # between parts of one song
    limiting_db: float  # more than this at the limiter for over 1 % of the time is too high a price
    share: float | None = None
    kind: str = "published"
    trust: float = 0.0
    n_artists: int = 0
    tone: ToneSpread | None = None
    width: WidthSpread | None = None
    spreads: tuple[Spread, ...] = ()
    practice_lufs: Spread | None = None
    runner_up: tuple[str, float] | None = None  # the second most probable, and its share, where the sound decided


@dataclass(frozen=True)
class Gap:
    """How far a feature of the target is from the reference's.

    `tolerance` is how far it may be without anybody minding; `uncertainty` the standard deviation of the
    difference that arrangement alone would cause; `taken_pct` how much of the difference the move closes.
    """

    feature: str
    target: float
    reference: float
    tolerance: float
    uncertainty: float
    taken_pct: float = 0.0
    toward: str = "the reference"  # what stands for the reference, in words

    @property
    def delta(self) -> float:
        """Reference minus target: positive means the target has too little."""
        return self.reference - self.target

    @property
    def confidence(self) -> float:
        """How surely the difference is more than chance, 0 to 1: the share of its square that is not noise."""
        noise, signal = self.uncertainty**2, self.delta**2
        return signal / (signal + noise) if signal + noise > 0 else 0.0


@dataclass(frozen=True)
class Curve:
    """A difference in each band, reference minus target, and what is believed of it; all dB at `Comparison.band_hz`.

    `full_db` is the difference of averages, smoothed; `matched_db` that of matched passages, like with like;
    `wanted_db` what of it the evidence supports (the posterior mean); `sd_db` how far the difference may be off by
    chance, arrangement in the first place, one standard deviation; `weight` 0…1 is how much a band can be
    trusted, 0 where either track has nothing; `full_weight` the same for a match in full, which reaches out to where
    averages can be compared though little can be told from them. `usual_db` is what the target lacks of the genre's
    usual and `usual_sd_db` how far songs stray from that; empty where no genre is known. `fault` is the probability
    that anything is wrong at all, None where nothing tells.
    """

    full_db: tuple[float, ...]
    matched_db: tuple[float, ...]
    wanted_db: tuple[float, ...]
    sd_db: tuple[float, ...]
    weight: tuple[float, ...]
    full_weight: tuple[float, ...]
    usual_db: tuple[float, ...] = ()
    usual_sd_db: tuple[float, ...] = ()
    fault: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class DynamicsGap:
    """How far the loud 50 ms of a band (P95) stand above its median, in both tracks, dB.

    `believed` is the share of the difference, on a log scale, that is not arrangement by the evidence; `sd_db` how far
    parts of one song differ; `correction` the factor by which more is to be asked for than shows, to arrive there.
    """

    low_hz: float
    high_hz: float
    target_db: float
    reference_db: float
    believed: float
    sd_db: float
    correction: float = 1.0


@dataclass(frozen=True)
class Weights:
    """How much a reference counts in each aspect beside the others, 0 for not at all."""

    tone: float = 1.0
    dynamics: float = 1.0
    image: float = 1.0
    level: float = 1.0


@dataclass(frozen=True)
class Seen:
    """One reference as it was taken: its file's name, how near a relative it is, what it counted for in each aspect.

    `transposed_semitones` is how far off its key is where it is the target's music in another one; else None.
    """

    name: str
    kinship: float
    weights: Weights = field(default_factory=Weights)
    transposed_semitones: float | None = None

    @property
    def nearness(self) -> float:
        """The kinship of what counts for something, 0 of what counts for nothing."""
        return self.kinship if max(astuple(self.weights)) > 0 else 0.0


@dataclass(frozen=True)
class PeaksKept:
    """How many dB peaks must stay over a loudness, and what says so: the reference's own, what 9 in 10 songs keep.

    `of` names the reference where there are several; `cut` says that it has peaks over full scale, which do not count.
    """

    least_db: float
    reference_db: float | None
    usual_db: float | None
    of: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Density:
    """How far peaks must stay over the loudness of the whole (PLR), and over that of the loudest 3 s (PSR)."""

    plr: PeaksKept | None
    psr: PeaksKept | None


@dataclass(frozen=True)
class Comparison:
    """Target and reference side by side: how close relatives they are, and their differences in tone and width.

    `kinship`, 0 to 1, is how much like parts of one song the two behave, of several references the nearest; `width` is
    None in mono. Without a reference the genre stands in its place: `toward` names what does. The default leads to
    `loudness_lufs`, a match in full to `loudness_full_lufs`.
    """

    kinship: float
    band_hz: tuple[float, ...]
    tone: Curve
    width: Curve | None
    dynamics: tuple[DynamicsGap, ...] = ()
    identical: bool = False  # both hold the same sound
    ignored: tuple[str, ...] = ()  # what the reference could not teach, and why
    transposed_semitones: float | None = None  # the reference is the target's music in another key
    toward: str = "the reference"
    loudness_lufs: float | None = None
    loudness_full_lufs: float | None = None
    seen: tuple[Seen, ...] = ()
    density: Density | None = None

    @property
    def by_genre(self) -> bool:
        """Whether a genre stands for the reference."""
        return not self.seen


@dataclass(frozen=True)
class Lesson:
    """What a reference can teach of one aspect ("tone", "dynamics", "loudness", "width"), and why not all of it."""

    aspect: str
    teaches: Literal["all", "part", "nothing"]
    text: str


@dataclass(frozen=True)
class Passport:
    """A reference read as a judgement: what it is to the target, and what of it can be trusted.

    `relation` is "same file", "same song", "transposed", "relative" or "another song". `density_db` is how far the
    usual level of a band stands above its quiet moments, averaged over the bands: small where much sounds all the time.
    `farther_pct` says of 100 pairs of songs of one genre how many differ more than these two do. `reason` is empty
    where the reference is suitable.
    """

    path: str
    suitable: bool
    reason: str
    relation: str
    kinship: float
    transposed_semitones: float | None
    farther_pct: float
    hf_cutoff_hz: float | None
    clipped_runs: int
    limited: bool
    peaks_held_pct: float | None
    integrated_lufs: float | None
    tempo_bpm: float | None
    density_db: float | None
    lessons: tuple[Lesson, ...]
    facts: tuple[str, ...]  # the same in the field's words, one thing each
