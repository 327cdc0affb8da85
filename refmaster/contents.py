"""Small files that are read whole: asked what they are before they are opened, and read no further than a limit.

Opening a named pipe waits for ever, a device never ends, and the size that the system tells need not be what comes.
"""

import errno
import os
import stat


def content(path: str | os.PathLike[str], most_bytes: int) -> bytes | None:
    """What a regular file holds; None where that is more than `most_bytes`.

    Raises OSError, with a word for a person in its `strerror`, for what is no regular file.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {kind(mode)}, not a file")
    with open(path, "rb") as file:
        data = file.read(most_bytes + 1)
    return data if len(data) <= most_bytes else None


def kind(mode: int) -> str:
    """What stands at a name where no regular file does, in words."""
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
