"""Two songs of forty seconds as notes: verse, chorus, verse, chorus, last chord. All of it is taste."""

from dataclasses import dataclass

OPEN = 9  # an open hat's pitch
RING_BEATS = 7.0  # the last chord
VERSE_DB, VERSE_PAD_DB = -1.5, -8.0  # under the chorus

Melody = tuple[tuple[float, float, int], ...]
"""Notes: beat from the start of the section, length in beats, MIDI number."""


@dataclass(frozen=True)
class Section:
    """What the band plays in one part of the song: a chord each bar, patterns of sixteenths, the melody.

    x is a hit, o a soft one, O an open hat. Chords are MIDI numbers, the bass first.
    """

    chords: tuple[tuple[int, ...], ...]
    melody: Melody
    kick: str
    snare: str
    hat: str
    bass: str
    big: bool = False  # the chorus: crash, shaker, pluck, full pad, doubled lead


@dataclass(frozen=True)
class Score:
    """Sections in the order they are played; the last is one chord that rings until 40 s."""

    tempo_bpm: float
    sections: tuple[Section, ...]


def _score(tempo_bpm: float, verse: Section, chorus: Section, last_chord: tuple[int, ...]) -> Score:
    ring = "x" + "." * 15
    end = Section((last_chord,), ((0, 5, last_chord[-1] + 12),), kick=ring, snare="." * 16, hat="." * 16, bass=ring)
    return Score(tempo_bpm, (verse, chorus, verse, chorus, end))


FIRST = _score(
    108.0,
    Section(
        chords=((33, 57, 60, 64, 67), (29, 53, 57, 60, 64), (36, 55, 60, 64, 67), (31, 55, 59, 62, 67)),  # Am7 F∆ C G
        melody=(
            (0.5, 0.5, 64), (1, 1.2, 69), (2.5, 0.5, 67), (3, 1, 64), (4.5, 0.5, 65), (5, 1.2, 69), (6.5, 0.5, 67),
            (7, 1, 65), (8.5, 0.5, 64), (9, 1.2, 67), (10.5, 0.5, 64), (11, 1, 62), (12.5, 0.5, 62), (13, 1.8, 67),
            (15, 1, 59),
        ),
        kick="x.....o.x.......",
        snare="....x.......x..o",
        hat="x.o.x.o.x.o.x.o.",
        bass="x.....x.x.......",
    ),
    Section(
        chords=((29, 53, 57, 60, 65), (36, 55, 60, 64, 67), (31, 55, 59, 62, 67), (33, 57, 60, 64, 69)),  # F C G Am
        melody=(
            (0, 1.5, 72), (1.5, 0.5, 74), (2, 1, 76), (3, 0.5, 74), (3.5, 0.5, 72), (4, 1.5, 76), (5.5, 0.5, 74),
            (6, 1, 72), (7, 1, 67), (8, 1.5, 74), (9.5, 0.5, 72), (10, 1, 71), (11, 0.5, 74), (11.5, 0.5, 76),
            (12, 1, 76), (13, 1, 72), (14, 2, 69),
        ),
        kick="x.....x.x.x.....",
        snare="....x.......x...",
        hat="x.O.x.O.x.O.x.O.",
        bass="x.x.x.x.x.x.x.x.",
        big=True,
    ),
    last_chord=(36, 55, 60, 64, 67),
)  # fmt: skip
SECOND = _score(
    102.0,
    Section(
        chords=((38, 57, 62, 66, 69), (35, 54, 59, 62, 66), (31, 55, 59, 62, 67), (33, 57, 61, 64, 69)),  # D Bm G A
        melody=(
            (0, 0.5, 66), (0.5, 1.3, 69), (2, 0.5, 66), (2.5, 0.5, 64), (3, 1, 62), (4.5, 0.5, 66), (5, 1.3, 71),
            (6.5, 0.5, 69), (7, 1, 66), (8, 0.5, 67), (8.5, 1.3, 71), (10, 0.5, 69), (10.5, 0.5, 67), (11, 1, 62),
            (12.5, 0.5, 64), (13, 1.8, 69), (15, 1, 73),
        ),
        kick="x.......x.x.....",
        snare="....x.......x...",
        hat="x.xox.xox.xox.xo",
        bass="x..x....x.x.....",
    ),
    Section(
        chords=((31, 55, 59, 62, 67), (33, 57, 61, 64, 69), (35, 59, 62, 66, 71), (30, 57, 61, 66, 69)),  # G A Bm F♯m
        melody=(
            (0, 1, 74), (1, 0.5, 71), (1.5, 0.5, 74), (2, 1, 79), (3, 0.5, 78), (3.5, 0.5, 76), (4, 1.5, 76),
            (5.5, 0.5, 73), (6, 1, 69), (7, 1, 73), (8, 1.5, 74), (9.5, 0.5, 78), (10, 1, 78), (11, 0.5, 76),
            (11.5, 0.5, 74), (12, 1.5, 73), (13.5, 0.5, 69), (14, 2, 66),
        ),
        kick="x...x...x...x.x.",
        snare="....x.......x..o",
        hat="x.O.x.O.x.O.x.Oo",
        bass="x.xxx.x.x.xxx.x.",
        big=True,
    ),
    last_chord=(38, 57, 62, 66, 69),
)  # fmt: skip


@dataclass(frozen=True)
class Note:
    """A drum's pitch says which of its sounds is struck."""

    beat: float
    beats: float
    pitch: int
    level_db: float = 0.0


@dataclass(frozen=True)
class Bar:
    """One bar of the song: where it starts, and what is played in it."""

    beat: float
    section: Section
    chord: tuple[int, ...]
    first: bool  # of its section
    last: bool  # of the song: its chord rings

    @property
    def level_db(self) -> float:
        """How hard everybody plays."""
        return 0.0 if self.section.big or self.last else VERSE_DB


def bars_of(score: Score) -> list[Bar]:
    """The whole song, bar by bar."""
    places = [(section, chord, i == 0) for section in score.sections for i, chord in enumerate(section.chords)]
    return [Bar(4.0 * n, *place, last=n == len(places) - 1) for n, place in enumerate(places)]


def struck(bars: list[Bar], drum: str) -> tuple[Note, ...]:
    """Kick, snare or hat as its pattern says."""
    patterns: list[tuple[Bar, str]] = [(bar, getattr(bar.section, drum)) for bar in bars]
    return tuple(
        Note(bar.beat + k / 4, 1, OPEN if mark == "O" else k % 3, bar.level_db - 9.0 * (mark == "o"))
        for bar, pattern in patterns
        for k, mark in enumerate(pattern)
        if mark != "."
    )


def shaken(bars: list[Bar]) -> tuple[Note, ...]:
    """Sixteenths in the chorus, leaning on the off-beat."""
    big = [bar for bar in bars if bar.section.big]
    return tuple(Note(b.beat + k / 4, 0.2, k % 3, 0.0 if k % 4 == 2 else -6.0) for b in big for k in range(16))


def bass_line(bars: list[Bar]) -> tuple[Note, ...]:
    """The root wherever the pattern says, held until the next."""
    notes = []
    for bar in bars:
        starts = [k for k, mark in enumerate(bar.section.bass) if mark == "x"]
        for k, following in zip(starts, [*starts[1:], 16], strict=True):
            notes.append(
                Note(bar.beat + k / 4, 0.92 * (following - k) / 4, bar.chord[0] + 12 * (k == 14), bar.level_db)
            )
    return tuple(notes)


def comping(bars: list[Bar]) -> tuple[Note, ...]:
    """Keys: the chord on one, two-and and four."""
    rhythm = ((0.0, 1.4), (1.5, 1.4), (3.0, 0.9))
    return tuple(
        Note(bar.beat + at, beats, pitch, bar.level_db)
        for bar in bars
        for at, beats in (((0.0, RING_BEATS),) if bar.last else rhythm)
        for pitch in bar.chord[1:]
    )


def held(bars: list[Bar]) -> tuple[Note, ...]:
    """Pad: whole bars, faint in the verse."""
    return tuple(
        Note(bar.beat, RING_BEATS if bar.last else 4, pitch, 0.0 if bar.section.big else VERSE_PAD_DB)
        for bar in bars
        for pitch in bar.chord[1:]
    )


def arpeggio(bars: list[Bar]) -> tuple[Note, ...]:
    """Pluck: eighths up and down the chord, an octave higher, in the chorus."""
    order = (1, 2, 3, 4, 3, 2, 4, 3)
    big = [bar for bar in bars if bar.section.big]
    return tuple(Note(b.beat + k / 2, 0.5, b.chord[i] + 12) for b in big for k, i in enumerate(order))


def tune(bars: list[Bar]) -> tuple[Note, ...]:
    """Lead: each section's melody."""
    firsts = [bar for bar in bars if bar.first]
    return tuple(
        Note(bar.beat + beat, beats, pitch, bar.level_db) for bar in firsts for beat, beats, pitch in bar.section.melody
    )


def crashes(bars: list[Bar]) -> tuple[Note, ...]:
    """The cymbal that opens each chorus, and the last chord."""
    return tuple(Note(bar.beat, 4, 0) for bar in bars if bar.first and (bar.section.big or bar.last))
