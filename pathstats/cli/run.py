"""`pathstats run`"""

from typing import TYPE_CHECKING, Annotated

import typer

from pathstats import settings
from pathstats.cli.options import (
    AsOfOption,
    DirectOption,
    HomeOption,
    JsonOption,
    KeepOption,
    MaxRefusedOption,
    MaxShrinkOption,
    MemoryOption,
    NotifyOption,
    VerboseOption,
    instant,
    now,
    reporting_errors,
)
from schemas.errors import UsageError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.night import Plan


@reporting_errors
def run(
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SRC",
            help="files:DIR, oulad:DIR or demo[:learners=N,seed=S].",
            show_default="what the warehouse holds",
        ),
    ] = None,
    as_of: AsOfOption = None,
    home: HomeOption = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental", help="The files hold only rows that are new or replace the row of their key."
        ),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Compute every row anew, also where nothing can have changed.")
    ] = False,
    direct: DirectOption = False,
    max_refused: MaxRefusedOption = 0.05,
    max_shrink: MaxShrinkOption = 0.2,
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Accept this once that tables have lost rows.")
    ] = False,
    keep: KeepOption = 30,
    memory: MemoryOption = "4GB",
    notify: NotifyOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run one night: read the source, compute what can have changed, publish a release.

    Without --source the night works from what the warehouse holds, for another --as-of.

    Examples:

    pathstats run --source files:exports/

    pathstats run --source files:exports/ --as-of 2026-03-10T00:00:00Z --direct --json

    pathstats run --as-of 2026-01-01T00:00:00Z
    """
    from flows.memory import keep_freed_memory

    keep_freed_memory()
    from flows.night import Plan
    from flows.notices import hand_on
    from flows.warehouse.accepting import Limits

    if incremental:
        source = _as_changes(source)
    limits = Limits(max_refused, None if accept_shrink else max_shrink)
    plan = Plan(source, settings.home(home), instant(as_of) or now(), limits, keep, full, memory)
    hand_on(notify)
    manifest = night(plan, direct=direct, quiet=as_json, verbose=verbose)
    if as_json:
        typer.echo(manifest.to_json(), nl=False)
        return
    from pathstats.cli.screen import show_night

    show_night(manifest, plan.home)


def night(plan: "Plan", *, direct: bool, quiet: bool, verbose: bool) -> Manifest:
    """One night with its progress on the screen, by Prefect or without it."""
    from flows.night import run_night
    from flows.sources.opening import open_source
    from pathstats.cli.screen import night_progress

    if plan.source:
        open_source(plan.source)  # A wrong word is told at once, not after Prefect has started.
    with night_progress(quiet=quiet) as say:
        if direct:
            from flows.night import run_night
            from flows.notices import Webhook

            return run_night(plan, webhook=Webhook.of_environment())
        from pathstats.cli.prefect_settings import prepare, server_words

        prepare(verbose=verbose)
        say(server_words())
        from flows.nightly import nightly

        published = nightly(**plan.parameters())
        return Manifest.read(plan.home.release(published["release_id"]).manifest)


def _as_changes(source: str | None) -> str:
    kind, _, folder = (source or "").partition(":")
    if kind != "files":
        raise UsageError("--incremental goes with --source files:DIR.")
    return f"changes:{folder}"
