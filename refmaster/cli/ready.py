"""Values that are already what a command asks for: no converter is made for them.

Newer Typers convert every value by pydantic, which takes a fourteenth of a second to import and to prepare; a command
line mostly holds words, which are text already, and defaults. What has to become something else is converted as ever.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from refmaster.cli.streams import REFUSED

F = TypeVar("F", bound=Callable[..., Any])


class Ready:
    """Stands where a parameter keeps its converter, until one is needed."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value, as the converter that Typer would have made has it."""
        many, wanted = param.multiple or param.nargs == -1, param.type_descriptor.annotation
        if value is None:
            return () if many else None
        if many and wanted == list[str] and isinstance(value, list | tuple) and all(type(v) is str for v in value):
            return list(value)
        if not many and wanted in (str, int, float, bool) and type(value) is wanted:
            return value
        param._runtime_param = None  # Typer makes its own where it finds none
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


class ReadyParams:
    """A command or a group whose parameters, `--help` among them, convert only what must be converted."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters in their order."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            info = getattr(getattr(param, "type_descriptor", None), "parameter_info", None)
            # Another Typer keeps no converter there; a parser of our own is a conversion, whatever the type.
            if getattr(param, "_runtime_param", param) is None and getattr(info, "parser", None) is None:
                param._runtime_param = Ready()
        return params


class ReadyCommand(ReadyParams, TyperCommand):
    """A command of that kind."""


class ReadyGroup(ReadyParams, TyperGroup):
    """A group of that kind; without a word it prints its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words; Typer would refuse that there are none, with the help for its reason, in one line."""
        if not args and self.no_args_is_help:
            print(ctx.get_help(), file=sys.stderr)
            ctx.exit(REFUSED)
        rest: list[str] = super().parse_args(ctx, args)
        return rest


class ReadyTyper(typer.Typer):
    """A program, or a group of its commands, all of which are of that kind."""

    def command(self, *names: Any, **more: Any) -> Callable[[F], F]:
        """Add a command, as `typer.Typer` does."""
        return super().command(*names, cls=ReadyCommand, **more)
