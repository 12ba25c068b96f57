"""`pathstats`: one command per file, each light to import."""

import sys
from typing import Annotated

import typer

from pathstats.cli.check import check
from pathstats.cli.demo import demo
from pathstats.cli.export import export
from pathstats.cli.keys import keys
from pathstats.cli.lookup import lookup
from pathstats.cli.options import write_json_error
from pathstats.cli.parity import parity
from pathstats.cli.query import query
from pathstats.cli.releases import releases
from pathstats.cli.report import report
from pathstats.cli.rollback import rollback
from pathstats.cli.run import run
from pathstats.cli.sandbox import sandbox
from pathstats.cli.schedule import schedule
from pathstats.cli.serve import serve
from pathstats.cli.status import status
from pathstats.cli.verify import verify
from schemas.errors import EXIT_CODES


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(version("pathstats"))
        raise typer.Exit


app = typer.Typer(
    name="pathstats",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Statistics of every learner on every path session: a run publishes them, "
    "a look-up answers from them.",
    epilog=f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}.",
)
COMMANDS = (
    demo,
    run,
    lookup,
    report,
    query,
    export,
    check,
    parity,
    status,
    serve,
    schedule,
    releases,
    rollback,
    verify,
    sandbox,
)
for command in COMMANDS:
    app.command(
        no_args_is_help=command in (lookup, check, query, export, rollback),
        # SQL may begin with a comment: an argument that begins with -- and is not an option is the query.
        context_settings={"ignore_unknown_options": command is query},
    )(command)
app.add_typer(keys)


@app.callback()
def pathstats(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """What all commands have in common."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except SystemExit as ended:
        # typer has written on stderr what is wrong with the arguments.
        wrong = ended.__context__
        if isinstance(wrong, typer.TyperException) and "--json" in sys.argv:
            write_json_error(wrong.format_message(), wrong.exit_code)
        raise
