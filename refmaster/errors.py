"""What goes wrong by a person's hand, and how it is said.

    RefmasterError            one line: what was found, what is allowed, what to do
    ├── BadAudio              the file is not audio that can be mastered
    ├── BadSetting            an option, a value or a session asks for what cannot be
    └── BadOutput             the result cannot be written where it should go

Anything else that is raised is a bug of ours and keeps its traceback, but for an interruption.
"""


class RefmasterError(Exception):
    """A person's mistake, or the world's: one line, exit code 2, nothing written."""


class BadAudio(RefmasterError):
    """A file that is missing, is no audio, or holds nothing that can be mastered."""


class BadSetting(RefmasterError):
    """An option, an override or a session that asks for what cannot be."""


class BadOutput(RefmasterError):
    """A result that cannot be written where it was asked for."""


def is_interruption(error: BaseException) -> bool:
    """Whether somebody asked to end: Ctrl-C, also as it comes out of a compiled function that it struck."""
    struck = isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt)
    return struck or isinstance(error, KeyboardInterrupt)
