"""Sound laid aside on disk, in a file without a name: it is gone when it is closed, or when the program ends.

Kept in single precision, for what is listened to several times and never written anywhere.
"""

import tempfile
import threading
from collections.abc import Iterator

import numpy as np

from refmaster.units import FloatArray


class Spool:
    """Takes in blocks of the shape (channels, samples), and plays them again as often as it is asked."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="refmaster-")  # noqa: SIM115  # open as long as this lives
        self._shapes: list[tuple[int, int]] = []
        self._turn = threading.Lock()  # a listener that broke off may still be at its last block

    def add(self, block: FloatArray) -> None:
        """Lay a block aside. Raises OSError where the disk is full."""
        with self._turn:
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(block, dtype=np.float32).data)
        self._shapes.append((block.shape[0], block.shape[1]))

    def blocks(self) -> Iterator[FloatArray]:
        """All blocks from the first, in double precision again."""
        at = 0
        for shape in self._shapes:
            values = np.empty(shape, dtype=np.float32)
            with self._turn:
                self._file.seek(at)
                n_bytes = self._file.readinto(values.data.cast("B"))
            if n_bytes != values.nbytes:
                raise OSError(f"{n_bytes} of {values.nbytes} bytes came back from a temporary file")
            at += values.nbytes
            yield values.astype(np.float64)

    def close(self) -> None:
        """Give the disk back what was laid aside."""
        self._file.close()
