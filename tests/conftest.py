"""What all tests share: seeded chance, `--slow`, and music made in code, written to files once a session."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import settings

from refmaster import demo
from tests.signals import FloatArray, spoil

RATE_HZ = 44100
EXCERPT_S = {"dull": (6.0, 16.0), "finished": (6.0, 16.0), "song": (6.0, 18.0)}  # a verse's end and a chorus
DAMAGE = {"low_shelf_db": 3.0, "high_shelf_db": -4.0, "high_shelf_hz": 5000.0, "width_db": -4.0, "level_db": -6.0}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too: minutes of audio")


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis tries the same examples each time, so that red stays red; with --slow it looks for new ones.

    The user's own cache is neither read nor written. A shell that starts the suite in its background ignores Ctrl-C,
    and so would all that is started here; the tests send it themselves.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["REFMASTER_CACHE"] = "off"
    settings.register_profile("suite", derandomize=not config.getoption("--slow"), deadline=None, database=None)
    settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def sounds() -> dict[str, FloatArray]:
    """Stereo music at 44.1 kHz by name: `dull` and `finished` are two songs, `spoiled` is `song` with known damage."""
    makers = {"dull": demo.dull_mix, "finished": demo.finished, "song": demo.song}
    made = {}
    for name, (start_s, end_s) in EXCERPT_S.items():
        made[name] = makers[name](RATE_HZ)[:, round(start_s * RATE_HZ) : round(end_s * RATE_HZ)].copy()
    made["spoiled"] = spoil(made["song"], RATE_HZ, **DAMAGE)
    for samples in made.values():
        samples.setflags(write=False)
    return made


@pytest.fixture(scope="session")
def files(sounds: dict[str, FloatArray], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same music in 24-bit WAV files. Tests write nothing beside them."""
    folder = tmp_path_factory.mktemp("music")
    paths = {}
    for name, samples in sounds.items():
        paths[name] = write_wav(folder / f"{name}.wav", samples)
    return paths


def write_wav(path: Path, samples: FloatArray, sample_rate_hz: int = RATE_HZ, subtype: str = "PCM_24") -> Path:
    sf.write(path, samples.T, sample_rate_hz, subtype=subtype)
    return path
