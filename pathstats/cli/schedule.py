"""`pathstats schedule`"""

from typing import Annotated

import typer

from pathstats import settings
from pathstats.cli.options import (
    SOURCES,
    HomeOption,
    KeepOption,
    LeastAgreementOption,
    MaxRejectedOption,
    MaxShrinkOption,
    MaxVanishedOption,
    MemoryOption,
    MinMatchedOption,
    NamesOption,
    NotifyOption,
    StrictOption,
    VerboseOption,
    now,
    reporting_errors,
)


@reporting_errors
def schedule(
    source: Annotated[str, typer.Option(metavar="SRC", help=SOURCES)],
    cron: Annotated[str, typer.Option(help="When, as a cron expression.")] = "0 2 * * *",
    timezone: Annotated[str, typer.Option(help="The zone the cron expression is read in.")] = "UTC",
    home: HomeOption = None,
    keep: KeepOption = 30,
    memory: MemoryOption = "3GB",
    with_names: NamesOption = False,
    notify: NotifyOption = None,
    verbose: VerboseOption = False,
    max_rejected: MaxRejectedOption = 0.05,
    max_shrink: MaxShrinkOption = 0.2,
    max_vanished: MaxVanishedOption = 0.05,
    min_matched: MinMatchedOption = 0.5,
    strict: StrictOption = False,
    min_agreement: LeastAgreementOption = 0.98,
) -> None:
    """Run by a schedule, from this terminal, until Ctrl-C.

    Each run prints a line with its figures. Uses the Prefect server of PREFECT_API_URL; without one it starts
    its own, which only this command can use and which has no page.
    A table that has shrunk too much blocks every run until one `pathstats run --allow-shrink`.

    Examples:

    pathstats schedule --source files:exports/ --cron "0 2 * * *" --timezone Europe/Paris

    pathstats schedule --source changes:changed-today/
    """
    from flows.ops.process_tuning import prepare_memory
    from pathstats.cli.prefect_settings import prepare

    prepare(verbose=verbose)
    prepare_memory()
    from flows.ops.notifications import hand_on
    from flows.run_config import RunConfig
    from flows.sources.registry import open_source
    from flows.warehouse.thresholds import Thresholds

    # Report a wrong option now, not in the first run.
    open_source(source)
    limits = Thresholds(max_rejected, max_shrink, max_vanished, min_matched, strict=strict)
    place = settings.home(home)
    plan = RunConfig(
        source,
        place,
        now(),
        limits,
        keep,
        memory_limit=memory,
        with_names=with_names,
        least_agreement=min_agreement,
    )
    hand_on(notify)
    from flows.ops.schedule import serve_schedule
    from pathstats.cli.render.console import spinner

    # Each run is for the time it was scheduled for.
    parameters = {**plan.parameters(), "as_of": None}
    serve_schedule(parameters, cron=cron, timezone=timezone, say=typer.echo, spinner=spinner)
