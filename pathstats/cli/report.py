"""`pathstats report`"""

from pathlib import Path
from typing import Annotated, Any

import typer

from pathstats.cli.options import HomeOption, reporting_errors
from pathstats.cli.render.printable import say
from pathstats.cli.run_options import run_options
from pathstats.tables import reading
from schemas.errors import UsageError
from schemas.home import home_at


@reporting_errors
@run_options("with_names")
def report(
    options: dict[str, Any],
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SESSION]...", help="Sessions to write a page of, by their ids."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="A page of every session.")] = False,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to.")] = Path(
        "training-report"
    ),
    company: Annotated[
        str | None, typer.Option(help="The company; optional if the release has only one.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the report of the latest release to a folder, with pages of sessions.

    The pages need neither a server nor the network. A session's page lists its learners with all steps. Pages
    that an earlier report left in the folder and this one doesn't write are removed.

    Examples:

    pathstats report 65f0c2a91b3e4d5f60718293 --with-names

    pathstats report --all --to for-the-trainers/
    """
    if sessions and everything:
        raise UsageError("Name sessions or give --all, not both.")
    from flows.report.export import ExportOptions, write_folder
    from pathstats.cli.render.console import stderr_screen

    place = home_at(home)
    wanted = ExportOptions(company, None if everything else tuple(sessions or ()), options["with_names"])
    with stderr_screen.status("report") as status, reading(place) as release:
        written = write_folder(
            place,
            release,
            to,
            wanted,
            lambda done, of: status.update(f"report: {done:,} of {of:,} sessions"),
        )
    pages = f" and {written:,} page{'' if written == 1 else 's'} of sessions" if written else ""
    say(f"Wrote {to / 'report.html'}{pages}.")
