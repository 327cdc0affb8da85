"""refmaster: masters a track toward a reference, explains every move, and leaves each decision with the person.

    import refmaster
    report = refmaster.master("target.wav", "genre_track.wav", "out.wav", amount=50, drop=["match_width"])
    profile = refmaster.analyse("target.wav")
    samples, report = refmaster.master_array(x, sample_rate_hz, reference, reference_rate_hz)

Names are looked up when they are used, so that importing the package costs nothing.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from refmaster.errors import BadAudio, BadOutput, BadSetting, RefmasterError
from refmaster.version import __version__

if TYPE_CHECKING:
    from refmaster.pipeline import Options, analyse, master, master_array, render

__all__ = [
    "BadAudio",
    "BadOutput",
    "BadSetting",
    "Options",
    "RefmasterError",
    "__version__",
    "analyse",
    "master",
    "master_array",
    "render",
]

_FROM_PIPELINE = ("Options", "analyse", "master", "master_array", "render")


class _Package(ModuleType):
    """The package: importing the modules `analyse` and `render` does not hide the functions of these names."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _FROM_PIPELINE or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name in _FROM_PIPELINE:
        from refmaster import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'refmaster' has no attribute {name!r}")
