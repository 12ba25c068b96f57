"""`pathstats schedule`"""

from typing import Annotated, Any

import typer

from flows.run_config import RunConfig
from pathstats.cli.options import HomeOption, NotifyOption, VerboseOption, reporting_errors
from pathstats.cli.run_options import run_options


@reporting_errors
@run_options(
    "source",
    "keep",
    "memory",
    "with_names",
    "min_agreement",
    "max_rejected",
    "max_shrink",
    "max_vanished",
    "min_matched",
    "strict",
    required="source",
)
def schedule(
    options: dict[str, Any],
    cron: Annotated[str, typer.Option(help="When, as a cron expression.")] = "0 2 * * *",
    timezone: Annotated[str, typer.Option(help="The zone the cron expression is read in.")] = "UTC",
    home: HomeOption = None,
    notify: NotifyOption = None,
    verbose: VerboseOption = 0,
) -> None:
    """Run on a schedule, from this terminal, until Ctrl-C.

    Each run prints a line with its figures. Uses the Prefect server of PREFECT_API_URL; without one it starts
    its own, which only this command can use and which has no web page.
    A table that has shrunk too much blocks every run until one `pathstats run --allow-shrink`.

    Examples:

    pathstats schedule --source files:exports/ --cron "0 2 * * *" --timezone Europe/Paris

    pathstats schedule --source changes:changed-today/
    """
    from pathstats.cli.prefect_settings import prepare

    prepare(verbose=verbose > 0)
    from flows.nightly import nightly
    from flows.ops.notifications import Webhook
    from flows.ops.schedule import serve_schedule
    from flows.sources.registry import open_source
    from pathstats.cli.render.console import spinner

    # Report wrong options now, not in the first run.
    open_source(options["source"])
    if notify:
        Webhook(notify)
    # Each run is for the time it was scheduled for: as_of stays open.
    config = RunConfig(**options, home=home, notify_url=notify)
    serve_schedule(nightly, config, cron=cron, timezone=timezone, say=typer.echo, spinner=spinner)
