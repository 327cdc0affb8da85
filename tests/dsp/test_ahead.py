"""Working ahead: the same blocks in the same order, errors included, and no thread that outlives its use."""

import threading
import time

import numpy as np
import pytest

from refmaster.dsp.ahead import ahead, aside, side_by_side, workers
from refmaster.dsp.limiter import Limiting, ReductionMeter, limited
from tests.signals import in_blocks, kick_loop

RATE_HZ = 44100


def test_everything_comes_in_order_from_another_thread():
    makers = set()

    def made():
        for number in range(50):
            makers.add(threading.get_ident())
            yield number

    assert list(ahead(made())) == list(range(50))
    assert threading.get_ident() not in makers


def test_an_error_comes_through_after_what_was_made_before_it():
    def made():
        yield 1
        raise ValueError("broken")

    stream = ahead(made())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_who_stops_listening_ends_the_thread():
    ended = threading.Event()

    def made():
        try:
            while True:
                yield np.zeros(8)
        finally:
            ended.set()

    stream = ahead(made())
    next(stream)
    stream.close()
    assert ended.wait(10.0)


def test_no_more_is_made_ahead_than_a_few_blocks():
    made_so_far = []

    def made():
        for number in range(100):
            made_so_far.append(number)
            yield number

    stream = ahead(made())
    next(stream)
    time.sleep(0.3)
    assert len(made_so_far) < 6
    stream.close()


@pytest.mark.parametrize("clip_db", [0.0, 3.0])
def test_a_limiter_with_threads_gives_the_same_bits_and_the_same_reading(clip_db):
    """Once its two gains met in a meter that only one thread could use at a time."""
    loud = 3.0 * kick_loop(-3.0, 6.0, RATE_HZ, channels=2)
    how = Limiting(-1.0, 1.5, 10.0, 0.05, clip_db)
    found = set()
    for apart in (False, True, True, True):
        meter = ReductionMeter(RATE_HZ)
        blocks = list(limited(in_blocks(loud, 3000), RATE_HZ, how, meter=meter, aside=apart))
        found.add((np.concatenate(blocks, axis=1).tobytes(), meter.read().history_db))
    assert len(found) == 1


def test_one_thread_is_the_caller_s():
    threads = [threading.get_ident() for _ in ahead((None for _ in range(3)), threads=1)]
    made = list(ahead((threading.get_ident() for _ in range(3)), threads=1))
    assert made == threads


def test_one_worker_is_the_caller_and_its_error_is_told_with_the_result():
    def broken():
        raise ValueError("broken")

    with workers(1) as pool:
        failed = pool.submit(broken)
        assert pool.submit(threading.get_ident).result() == threading.get_ident()
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
        with pytest.raises(ValueError, match="broken"):
            failed.result()


@pytest.mark.parametrize("threads", [1, 2])
def test_work_aside_is_asked_for_once_and_its_error_is_told_then(threads):
    def work():
        done.append(threading.get_ident())
        return len(done)

    done: list[int] = []
    with aside(work, threads=threads) as answer:
        assert answer() == 1
    assert (done == [threading.get_ident()]) == (threads == 1)

    def broken():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), aside(broken, threads=threads) as answer:
        answer()


def test_who_fails_does_not_wait_for_work_aside():
    goes_on = threading.Event()
    with pytest.raises(ValueError, match="mine"), aside(lambda: goes_on.wait(10), threads=2):
        raise ValueError("mine")
    goes_on.set()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_side_by_side_gives_every_result_in_order_and_takes_no_more_items_than_it_works_on(threads):
    taken, done = [], []

    def items():
        for number in range(20):
            taken.append(number)
            assert len(taken) - len(done) <= threads
            yield number

    def work(number):
        time.sleep(0.002 * (number % 3))
        return number**2

    for result in side_by_side(work, items(), threads=threads):
        done.append(result)
    assert done == [number**2 for number in range(20)]


def test_side_by_side_raises_what_goes_wrong_in_its_turn():
    results = side_by_side(lambda number: 1 // number, [2, 1, 0, 3], threads=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
