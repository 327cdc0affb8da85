"""A user's own genre libraries: built from records, kept as numbers, compared with.

    load_library("soul.json").genre          the distribution of its tracks, as the planner takes a genre
    home_of(libraries, profile)              of several, the one that a track most probably belongs to
    heard_among(libraries, profiles)         the genre of that one, with its share; none where none fits
    nearest(libraries, profile)              the tracks that are most alike, with reasons
    place(profile, genre)                    where a track sits in a genre's bands

A library is one JSON file of numbers with provenance; no sound is kept.
"""

from refmaster.library.files import Library, find_libraries, find_library, load_library, save_library
from refmaster.library.placing import heard_among, home_of, nearest, place

__all__ = [
    "Library",
    "find_libraries",
    "find_library",
    "heard_among",
    "home_of",
    "load_library",
    "nearest",
    "place",
    "save_library",
]
