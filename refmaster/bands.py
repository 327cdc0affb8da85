"""An equaliser band as a move: the shape that its id names, its three numbers as parameters, and their filter.

Movers that work by such bands differ in what they let the filter hear and in what they call its gain.
"""

from collections.abc import Iterator

from refmaster.dsp.biquad import Shape, design
from refmaster.dsp.parametric import Band
from refmaster.records import Gap, Move, Param
from refmaster.units import FloatArray

BAND_PARTS = ("low_shelf", "bell_*", "high_shelf")
FREQUENCY_NAME = {Shape.LOW_SHELF: "corner_hz", Shape.BELL: "centre_hz", Shape.HIGH_SHELF: "corner_hz"}

BEYOND = {Shape.LOW_SHELF: 0.5, Shape.BELL: 1.0, Shape.HIGH_SHELF: 2.0}  # of its frequency, where it is nearly whole
HEARD_HZ = (40.0, 14000.0)  # of shelves


def named(mover: str, bands: tuple[Band, ...]) -> Iterator[tuple[str, Band]]:
    """Each band with the id of its move: a shelf's is its shape, bells are numbered in their order."""
    bells = 0
    for band in bands:
        bells += band.shape is Shape.BELL
        yield f"{mover}/{f'bell_{bells}' if band.shape is Shape.BELL else band.shape.value}", band


def shape_of(move_id: str) -> Shape:
    """The shape of a band by its id, `mover/low_shelf` or `mover/bell_2`."""
    part = move_id.split("/")[1]
    return Shape.BELL if part.startswith("bell") else Shape(part)


def frequency_of(move: Move) -> Param:
    """Where a band works: the centre of a bell, the corner of a shelf."""
    return move.param(FREQUENCY_NAME[shape_of(move.id)])


def heard_hz(shape: Shape, frequency_hz: float) -> float:
    """Where a band is heard: a bell at its centre, a shelf an octave beyond its corner, where it is nearly whole."""
    place_hz = frequency_hz * BEYOND[shape]
    return tidy_hz(place_hz if shape is Shape.BELL else min(max(place_hz, HEARD_HZ[0]), HEARD_HZ[1]))


def tidy_hz(frequency_hz: float) -> float:
    """Three digits: nobody dials in 1659.21 Hz."""
    return float(f"{frequency_hz:.3g}")


def band_params(shape: Shape, gain_name: str, *, gain_db: float, frequency_hz: float, q: float) -> tuple[Param, ...]:
    """The parameters of a band, with their ranges; at no gain it does nothing."""
    return (
        Param(gain_name, gain_db, -24.0, 24.0, 0.0),
        Param(FREQUENCY_NAME[shape], frequency_hz, 10.0, 40000.0),
        Param("q", q, 0.1, 10.0),
    )


def taken_words(gap: Gap, gain_db: float, together: str) -> str:
    """What all of a mover's bands do about a difference, to follow the sentence that states it."""
    along = (gap.delta > 0) == (gain_db > 0)
    if not along and gap.taken_pct <= 0:
        return "; not followed there, as what lies around it, or what is usual, speaks against it."
    between = "; " if along else ". Its neighbours overdo it; "
    return f"{between}as proposed, {together} take {gap.taken_pct:.0f} % of that."


def coefficients_of(move: Move, gain_name: str, sample_rate_hz: int) -> FloatArray:
    """The biquad of a band, shape (5,)."""
    return design(shape_of(move.id), frequency_of(move).value, move[gain_name], move["q"], sample_rate_hz)
