"""`pathstats demo`"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.run_config import RunConfig
from pathstats.cli import typed
from pathstats.cli.options import (
    AsOfOption,
    DirectOption,
    HomeOption,
    VerboseOption,
    instant,
    now,
    reporting_errors,
)
from pathstats.cli.run import execute
from pathstats.cli.run_options import run_options
from schemas.home import Home, home_at


@reporting_errors
@run_options("keep")
def demo(
    options: dict[str, Any],
    learners: Annotated[int, typer.Option(min=200, help="How many people the company has.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another company.")] = 1,
    write: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Only write the company's tables there, to try `run` on files."),
    ] = None,
    as_of: AsOfOption = None,
    home: HomeOption = None,
    direct: DirectOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """Create a believable company, publish its statistics, and show the result.

    The release goes to `demo/` in the home, so that it never replaces a real one. Run again on a later
    day of the month, the same company has moved on by as many days.

    Examples:

    pathstats demo

    pathstats demo --learners 400000 --write exports/
    """
    moment = instant(as_of) or now()
    if write is not None:
        from flows.sources.demo import Demo

        rows = Demo(learners=learners, seed=seed).write(write, moment)
        for table, count in rows.items():
            typer.echo(f"{table:15} {count:>12,} rows")
        run = f"{typed.pathstats()} run --source files:{write}"
        typer.echo(f"\nTry: {run} --as-of {moment:%Y-%m-%dT%H:%M:%SZ}")
        return
    config = RunConfig(
        **options,
        source=f"demo:learners={learners},seed={seed}",
        home=Home(home_at(home).root / "demo"),
        as_of=moment,
        # Another month's company has none of the last one's rows.
        allow_shrink=True,
        allow_vanished=True,
        notify_url=None,
    )
    _forget_another_company(config.home, config.source, moment)
    manifest = execute(config, direct=direct, quiet=False, verbose=verbose)
    from pathstats.cli.render.run_summary import show_demo

    show_demo(manifest, config.home)


def _forget_another_company(home: Home, source: str | None, as_of: datetime) -> None:
    """Delete the home of another company: another month or other options make another company."""
    from flows.release import catalog
    from flows.sources.demo.month import Month

    last = catalog.live_release(home)
    if last is None:
        return
    was, is_now = Month.of(datetime.fromisoformat(last.as_of)), Month.of(as_of)
    if (last.source, was.number) != (source, is_now.number):
        home.warehouse.unlink(missing_ok=True)
        home.warehouse_log.unlink(missing_ok=True)
