"""`pathstats`: one command per file, imported when it is typed."""

import sys
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pathstats.cli.options import write_json_error
from schemas.errors import EXIT_CODES

# In the order of the help.
COMMANDS = (
    "demo",
    "run",
    "lookup",
    "report",
    "query",
    "export",
    "check",
    "parity",
    "status",
    "serve",
    "schedule",
    "releases",
    "rollback",
    "verify",
    "sandbox",
    "keys",
)
_NEED_ARGUMENTS = ("lookup", "check", "query", "export", "rollback")


class Commands(TyperGroup):
    """The commands, each imported only when it is needed: a look-up must not wait for the run's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS else None


@cache
def load_command(name: str) -> Any:
    """The command of that name, as typer runs it."""
    command = getattr(import_module(f"pathstats.cli.{name}"), name)
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False)
    alone.command(
        name,
        no_args_is_help=name in _NEED_ARGUMENTS,
        # SQL may begin with a comment: an argument that begins with -- and is not an option is the query.
        context_settings={"ignore_unknown_options": name == "query"},
    )(command)
    return typer.main.get_command(alone)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(version("pathstats"))
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    name="pathstats",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Statistics of every learner on every path session: a run publishes them, "
    "a look-up answers from them.",
    epilog=f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}.",
)


@app.callback()
def pathstats(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that all commands have."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except SystemExit as ended:
        # typer has printed the error in the arguments on stderr.
        wrong = ended.__context__
        if isinstance(wrong, typer.TyperException) and "--json" in sys.argv:
            write_json_error(wrong.format_message(), wrong.exit_code)
        raise
