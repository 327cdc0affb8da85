"""`refmaster explain SESSION.toml`: every move of a session in words, with no audio at hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from refmaster.cli import options as o

if TYPE_CHECKING:
    from rich.console import Console

    from refmaster.account import Account, MoveAccount


def command(
    session: Annotated[str, typer.Argument(help="The .toml that stands beside a master.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a letter.")] = False,
    verbose: o.Verbose = False,
) -> None:
    """Explain a session: what each move does, why, how much of the difference it takes, its effect, cost and undo.

    Example: refmaster explain song.master.toml --markdown
    """
    from pathlib import Path

    from refmaster import session as sessions
    from refmaster.account import account_of
    from refmaster.errors import BadSetting

    if json and markdown:
        raise BadSetting("--json and --markdown are two answers; ask for one")
    account = account_of(sessions.read(Path(session)), Path(session))
    if json:
        from refmaster.account.data import as_json
        from refmaster.cli.streams import print_json

        print_json(as_json(account))
    elif markdown:
        from refmaster.account.markdown import as_markdown

        print(as_markdown(account), end="")
    else:
        _print(account, verbose=verbose)


def _print(account: "Account", *, verbose: bool) -> None:
    from rich.console import Console

    from refmaster.cli.show import print_command, print_list, print_text, table_of
    from refmaster.explain import left_alone

    console, plan = Console(highlight=False), account.session.plan
    print_text(console, account.verdict, style="bold", indent=0)
    print_text(console, account.reference, indent=0)
    if account.missing:
        print_text(console, account.missing, indent=0)
    print_list(console, "Changed in the file since it was rendered", account.edits)
    if account.columns:
        console.print(table_of(account.columns, console.width))
    for one in account.moves:
        _print_move(console, one)
    print_list(console, "Not reached", [one.text for one in plan.not_reached])
    print_list(console, "Left alone", [one.text for one in left_alone(plan, everything=verbose)])
    print_list(console, "Assumed", [f"{one.question} {one.assumed}" for one in plan.assumptions])
    print_list(console, "Ignored", account.ignored)
    print_list(console, "Notes", account.notes)
    print_list(console, "Checks", account.checks)
    if account.command:
        print_command(console, "To undo or change, with the flag behind it", account.command)


def _print_move(console: "Console", one: "MoveAccount") -> None:
    from refmaster.cli.show import print_move, print_text

    print_move(console, one.move)
    print_text(console, one.text)
    for name, text in one.lines:
        print_text(console, f"{name}: {text}", style="dim")
