"""Running maximum and minimum: what a look at every window finds, however the stream is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmaster.dsp.extremes import Extreme

values = st.lists(st.floats(0.0, 9.0), min_size=1, max_size=60)


@given(values=values, window=st.integers(1, 20), sign=st.sampled_from([1, -1]), cut=st.integers(1, 60))
def test_it_finds_what_a_look_at_every_window_finds(values, window, sign, cut):
    stream = np.array(values)
    padded = np.concatenate([np.zeros(window - 1), stream])
    looked = [sign * max(sign * padded[k : k + window]) for k in range(stream.size)]
    running = Extreme(window, sign)
    found = np.concatenate([running.after(stream[start : start + cut]) for start in range(0, stream.size, cut)])
    assert found.tolist() == looked


@pytest.mark.parametrize("sign", [1, -1])
def test_the_queue_holds_the_longest_fall(sign):
    """Falling values are all candidates for the maximum: the queue is as long as the window."""
    fall = np.linspace(1.0, 0.0, 1000)
    found = Extreme(64, sign).after(fall)
    assert np.array_equal(found[63:], fall[:-63] if sign > 0 else fall[63:])
