"""Where a track sits, in words: made from the numbers that were found."""

from collections.abc import Sequence

from refmaster.genres import label_of, with_share
from refmaster.library.placing import Near, Placement, Standing
from refmaster.names import shown
from refmaster.nearness import in_words, nearer_words
from refmaster.records import Genre
from refmaster.units import unit_of
from refmaster.writing import bare, counted, difference, label

NAMES = {
    "plr_db": "peak to loudness (PLR)",
    "psr_db": "lowest PSR",
    "psr_p10_db": "PSR, P10",
    "side_to_mid_db": "width, side to mid",
    "percussive_pct": "hits",
}
MOST_SHARES, LEAST_SHARE = 4, 0.02  # of the genres that are named


def feature_words(name: str) -> str:
    """A feature in words, without its unit: `tone_1000_db` is "1 kHz", `dynamics_120_500_db` "dynamics 120–500 Hz"."""
    kind, _, rest = name.partition("_")
    if kind in ("tone", "width") and rest.endswith("_db"):
        return _hertz(float(rest.removesuffix("_db")))
    if kind == "dynamics":
        low, high = (float(part) for part in rest.removesuffix("_db").split("_"))
        first = _hertz(low)
        return f"dynamics {first.split()[0] if first[-3:] == _hertz(high)[-3:] else first}–{_hertz(high)}"
    return NAMES.get(name, label(name))


def title_of(genre: Genre) -> str:
    """What a genre stands on."""
    by = f"of {counted(genre.n_artists, 'artist')}" if genre.n_artists else "that name no artist"
    on = f"{counted(genre.n_tracks, 'track')} {by}" if genre.n_tracks else "published figures"
    return f"{genre.label}: {on}, trust {genre.trust:.2f}"


def centre_line(placement: Placement) -> str:
    """How much of the track lies in the genre's bands."""
    every = [one for one in (*placement.numbers, *placement.tone, *placement.width) if one.where is not None]
    if not every:
        return "No figure of it is held against a band."
    inside = sum(one.where == "inside" for one in every)
    return f"{inside} of {len(every)} figures lie in the P10–P90 band of {title_of(placement.genre)}."


def place_words(one: Standing) -> str:
    """Where a number sits in its band: "inside", or how far beyond the edge; percentages differ by points."""
    if one.value is None or one.where is None:
        return "not measurable"
    if one.where == "inside":
        return "inside"
    edge = one.p10 if one.where == "under" else one.p90
    text = difference(one.feature, one.value - edge).lstrip("+−")
    return f"{text.removesuffix(' %')} points {one.where}" if text.endswith(" %") else f"{text} {one.where}"


def number_words(name: str, value: float | None) -> str:
    """A value for a column whose row names the unit; how far loud moments stand out has no sign."""
    text = bare(name, value)
    return text.removeprefix("+") if name.startswith("dynamics_") else text


def near_line(one: Near) -> str:
    """A track that is near, its distance, and how it differs."""
    return (
        f"{shown(one.label)} [{label_of(one.source)}], distance {one.distance:.2f} "
        f"(nearer are {nearer_words(one.nearer_pct)} of 100 pairs of one genre): {in_words(one.reasons)}"
    )


def share_words(shares: Sequence[tuple[str, float]]) -> str:
    """The most probable genres with their shares."""
    named = [(name, share) for name, share in shares if share >= LEAST_SHARE][:MOST_SHARES]
    return "; ".join(with_share(name, share) for name, share in named)


def unit_words(name: str) -> str:
    """A feature with its unit, for the head of a row."""
    unit = unit_of(name)
    return feature_words(name) + (f", {unit}" if unit else "")


def _hertz(frequency_hz: float) -> str:
    return f"{frequency_hz / 1000:g} kHz" if frequency_hz >= 1000 else f"{frequency_hz:g} Hz"
