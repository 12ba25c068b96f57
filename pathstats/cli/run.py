"""`pathstats run`"""

from contextlib import nullcontext
from typing import Annotated, Any

import typer

from flows.run_config import RunConfig
from pathstats.cli.options import (
    AsOfOption,
    DirectOption,
    HomeOption,
    JsonOption,
    NotifyOption,
    VerboseOption,
    instant,
    now,
    reporting_errors,
)
from pathstats.cli.run_options import run_options
from schemas.errors import UsageError
from schemas.manifest import Manifest


@reporting_errors
@run_options(
    "source",
    "full_refresh",
    "keep",
    "memory",
    "with_names",
    "min_agreement",
    "max_rejected",
    "max_shrink",
    "allow_shrink",
    "max_vanished",
    "allow_vanished",
    "min_matched",
    "allow_missing_columns",
    "strict",
)
def run(
    options: dict[str, Any],
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental",
            help="The folder of files:DIR contains only rows that are new or replace the row of their key: "
            "the same as changes:DIR.",
        ),
    ] = False,
    as_of: AsOfOption = None,
    home: HomeOption = None,
    direct: DirectOption = False,
    notify: NotifyOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """Read the source, compute the enrollments that may have changed, and publish a release.

    The warehouse keeps all rows: a full table replaces the earlier one, changes replace only the rows of
    their keys. Without --source the run uses the rows in the warehouse, for another --as-of, also a past one.

    Examples:

    pathstats run --source files:exports/

    pathstats run --source files:changed-today/ --incremental --direct

    pathstats run --as-of 2026-01-01T00:00:00Z --json
    """
    from flows.ops.notifications import Webhook

    if incremental:
        options["source"] = _as_changes(options["source"])
    if notify:
        Webhook(notify)
    config = RunConfig(**options, home=home, as_of=instant(as_of) or now(), notify_url=notify)
    manifest = execute(config, direct=direct, quiet=as_json, verbose=verbose)
    if as_json:
        typer.echo(manifest.to_json(), nl=False)
        return
    from pathstats.cli.render.run_summary import show_run

    show_run(manifest, config.home)


def execute(config: RunConfig, *, direct: bool, quiet: bool, verbose: int) -> Manifest:
    """Run the pipeline, with or without Prefect, and show its progress."""
    from flows.pipeline import empty_warehouse, run_pipeline
    from flows.sources.registry import open_source
    from pathstats.cli.render.console import run_progress, show_sql_steps, spinner

    # Report wrong arguments before Prefect starts.
    if config.source:
        open_source(config.source)
    elif not config.home.warehouse.exists():
        raise empty_warehouse(config.home)
    if verbose > 1:
        show_sql_steps()
    with run_progress(quiet=quiet):
        if direct:
            return run_pipeline(config)
        from pathstats.cli.prefect_settings import prepare

        prepare(verbose=verbose > 0)
        with nullcontext() if quiet else spinner("Starting Prefect (--direct runs without it)"):
            from flows.nightly import nightly
            from flows.ops import prefect_server

            if not prefect_server.is_named():
                prefect_server.start(schedules=False)
        published = nightly(config)
        return Manifest.read(config.home.release(published["release_id"]).manifest)


def _as_changes(source: str | None) -> str:
    kind, _, folder = (source or "").partition(":")
    if kind not in ("files", "changes"):
        raise UsageError("--incremental is for folders of files; give it with --source files:DIR.")
    return f"changes:{folder}"
