"""A chain without one of its moves, made from what it shares with others, is the chain as it would be on its own."""

import numpy as np
import pytest

from refmaster.moves import blank_of, match_eq
from refmaster.render import half_way, rendered
from tests.signals import kick_loop

RATE_HZ = 44100
TONE = [blank_of(f"match_eq/bell_{k}", 2).at(gain_db=3.0 - k, centre_hz=100.0 * 2**k) for k in range(1, 6)]
BENT = [
    blank_of("match_dynamics/low", 2).at(threshold_dbfs=-40.0, ratio=2.0),
    blank_of("match_dynamics/mid", 2).at(threshold_dbfs=-40.0, ratio=0.6),
]
WIDE = [
    blank_of("match_width/side", 2).at(side_gain_db=2.0),
    blank_of("match_width/bell_1", 2).at(side_gain_db=-4.0, centre_hz=900.0),
]
LEVEL = blank_of("match_loudness", 2).at(gain_db=6.0)
CEILING = blank_of("limit_peaks", 2).at(ceiling_dbtp=-6.0)
CHAIN = (*TONE, *BENT, *WIDE, LEVEL, CEILING)


@pytest.fixture(scope="module")
def sound():
    mid = kick_loop(-12.0, 1.0, RATE_HZ)[0]
    side = 0.1 * np.random.default_rng(3).standard_normal(mid.size)
    return np.stack([mid + side, mid - side])


def through(sound, moves):
    return np.concatenate(list(rendered([sound], moves, RATE_HZ)), axis=1)


@pytest.mark.parametrize(
    "out",
    [(None, *CHAIN), (None, TONE[2]), (TONE[4], WIDE[1], None), (None, *BENT), (None, CEILING), (TONE[0],), (None,)],
    ids=["each", "a bell", "none last", "compressors", "the limiter", "a bell alone", "none"],
)
def test_each_chain_is_what_it_is_on_its_own(sound, out):
    before = sound.copy()
    told = list(half_way(sound, CHAIN, out, RATE_HZ))
    assert {id(one.without) for one in told} == {id(one) for one in out}
    assert len(told) == len(out)
    for one in told:
        alone = through(sound, tuple(move for move in CHAIN if move is not one.without))
        np.testing.assert_allclose(through(one.sound, one.moves), alone, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(sound, before)


@pytest.mark.parametrize("moves", [CHAIN, (*TONE, BENT[0]), (*BENT, LEVEL)], ids=["all", "one", "two"])
def test_two_threads_share_the_compressors_and_make_the_same_bits(sound, moves):
    shared = np.concatenate(list(rendered([sound], moves, RATE_HZ, threads=2)), axis=1)
    np.testing.assert_array_equal(shared, through(sound, moves))


def test_what_chains_have_in_common_is_made_once(sound, monkeypatch):
    played = []
    monkeypatch.setattr(match_eq, "apply", lambda blocks, move, _: played.append(move) or blocks)
    list(half_way(sound, CHAIN, (None, *TONE[:4]), RATE_HZ))
    assert played.count(TONE[4]) == 1
    assert max(played.count(one) for one in TONE[:4]) == 1 + 2  # with all, and as often as four can be halved
