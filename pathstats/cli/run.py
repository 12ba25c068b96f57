"""`pathstats run`"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from pathstats import settings
from pathstats.cli.options import (
    SOURCES,
    AllowMissingColumnsOption,
    AllowShrinkOption,
    AllowVanishedOption,
    AsOfOption,
    DirectOption,
    HomeOption,
    JsonOption,
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
    instant,
    now,
    reporting_errors,
)
from schemas.errors import UsageError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.run_config import RunConfig


@reporting_errors
def run(
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SRC",
            help=SOURCES,
            show_default="the rows in the warehouse",
        ),
    ] = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental",
            help="The folder of files:DIR contains only rows that are new or replace the row of their key: "
            "the same as changes:DIR.",
        ),
    ] = False,
    as_of: AsOfOption = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full-refresh", help="Recompute every enrollment, also the ones that can't have changed."
        ),
    ] = False,
    home: HomeOption = None,
    direct: DirectOption = False,
    keep: KeepOption = 30,
    memory: MemoryOption = "3GB",
    with_names: NamesOption = False,
    notify: NotifyOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    max_rejected: MaxRejectedOption = 0.05,
    max_shrink: MaxShrinkOption = 0.2,
    allow_shrink: AllowShrinkOption = False,
    max_vanished: MaxVanishedOption = 0.05,
    allow_vanished: AllowVanishedOption = False,
    min_matched: MinMatchedOption = 0.5,
    allow_missing_columns: AllowMissingColumnsOption = False,
    strict: StrictOption = False,
    min_agreement: LeastAgreementOption = 0.98,
) -> None:
    """Read the source, compute the enrollments that may have changed, and publish a release.

    The warehouse keeps all rows: a full table replaces the earlier one, changes replace only the rows of
    their keys. Without --source the run uses the rows in the warehouse, for another --as-of, also a past one.

    Examples:

    pathstats run --source files:exports/

    pathstats run --source files:changed-today/ --incremental --direct

    pathstats run --as-of 2026-01-01T00:00:00Z --json
    """
    from flows.ops.process_tuning import prepare_memory

    prepare_memory()
    from flows.ops.notifications import hand_on
    from flows.run_config import RunConfig
    from flows.warehouse.thresholds import Thresholds

    if incremental:
        source = _as_changes(source)
    limits = Thresholds(
        max_rejected,
        None if allow_shrink else max_shrink,
        None if allow_vanished else max_vanished,
        min_matched,
        allow_missing_columns,
        strict,
    )
    place, moment = settings.home(home), instant(as_of) or now()
    plan = RunConfig(source, place, moment, limits, keep, full, memory, with_names, min_agreement)
    hand_on(notify)
    manifest = execute(plan, direct=direct, quiet=as_json, verbose=verbose)
    if as_json:
        typer.echo(manifest.to_json(), nl=False)
        return
    from pathstats.cli.render.run_summary import show_run

    show_run(manifest, plan.home)


def execute(plan: "RunConfig", *, direct: bool, quiet: bool, verbose: bool) -> Manifest:
    """One run with its progress on the screen, by Prefect or without it."""
    from flows.pipeline import empty_warehouse, run_pipeline
    from flows.sources.registry import open_source
    from pathstats.cli.render.console import run_progress, spinner

    # Report wrong arguments at once, not after Prefect has started.
    if plan.source:
        open_source(plan.source)
    elif not plan.home.warehouse.exists():
        raise empty_warehouse(plan.home)
    with run_progress(quiet=quiet):
        if direct:
            from flows.ops.notifications import Webhook

            return run_pipeline(plan, webhook=Webhook.of_environment())
        from pathstats.cli.prefect_settings import prepare

        prepare(verbose=verbose)
        with nullcontext() if quiet else spinner("Starting Prefect (--direct runs without it)"):
            from flows.nightly import nightly
            from flows.ops import prefect_server

            if not prefect_server.is_named():
                prefect_server.start(schedules=False)
        published = nightly(**plan.parameters())
        return Manifest.read(plan.home.release(published["release_id"]).manifest)


def _as_changes(source: str | None) -> str:
    kind, _, folder = (source or "").partition(":")
    if kind not in ("files", "changes"):
        raise UsageError("--incremental is for folders of files; give it with --source files:DIR.")
    return f"changes:{folder}"
