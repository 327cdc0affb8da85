"""Working ahead: one stretch of a chain in a thread of its own, so that two cores share it.

The blocks and their order stay the same, so the bits do. A consumer that stops early, or is interrupted, does not wait
for the thread: it ends by itself after the block it is at.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")

BLOCKS_AHEAD = 2  # enough to even out blocks that take long, and no more memory than that


def ahead(blocks: Iterable[T], *, threads: int = 2) -> Iterator[T]:
    """The same blocks, made in another thread while the last ones are still in use; errors come through.

    Where only one thread may work, it is the caller's.
    """
    if threads < 2:
        yield from blocks
        return
    made: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(BLOCKS_AHEAD)
    unwanted = threading.Event()
    threading.Thread(target=_make, args=(blocks, made, unwanted), daemon=True).start()
    try:
        while (one := made.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one[0]
    finally:
        unwanted.set()


def _make(blocks: Iterable[T], made: "queue.Queue[tuple[T] | BaseException | None]", unwanted: threading.Event) -> None:
    last: BaseException | None = None
    try:
        for block in blocks:
            if not _put((block,), made, unwanted):
                return
    except BaseException as error:
        last = error
    _put(last, made, unwanted)


def _put(
    one: tuple[T] | BaseException | None,
    made: "queue.Queue[tuple[T] | BaseException | None]",
    unwanted: threading.Event,
) -> bool:
    """Hand one over; False where nobody wants it any more."""
    while not unwanted.is_set():
        try:
            made.put(one, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


class _Caller(Executor):
    """Does what is handed over before it goes on; what goes wrong is raised where the result is asked for."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """The result of calling it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done

    def map(self, fn: Callable[..., T], *iterables: Iterable[Any], **_: Any) -> Iterator[T]:
        """Each result when it is asked for."""
        return map(fn, *iterables)


@contextmanager
def workers(threads: int) -> Iterator[Executor]:
    """Threads that are not waited for when the work is broken off.

    An interruption may strike while the compiler's lock is held; who then waits for a thread waits for ever. Where only
    one thread may work, it is the caller's: what is handed over is done at once.
    """
    pool = ThreadPoolExecutor(threads) if threads > 1 else _Caller()
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def side_by_side(work: Callable[[S], T], items: Iterable[S], *, threads: int) -> Iterator[T]:
    """What is made of each item, in order; no more than `threads` items wait or are worked on at once."""
    with workers(threads) as pool:
        begun: deque[Future[T]] = deque()
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) >= threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


@contextmanager
def aside(work: Callable[[], T], *, threads: int) -> Iterator[Callable[[], T]]:
    """One piece of work in a thread of its own, while the caller goes on until it asks for the result: once.

    Where only one thread may work, it is the caller's, once it asks. What goes wrong is raised where it is asked.
    """
    if threads < 2:
        yield work
        return
    with workers(2) as pool:
        yield pool.submit(work).result
