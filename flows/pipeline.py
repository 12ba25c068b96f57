"""The stages of a run in order, as plain functions: extract, load, merge, transform, report, publish."""

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from flows.compute import run_parts
from flows.compute.run_parts import Computed
from flows.database.connection import Connection
from flows.home import permissions
from flows.home.lock import one_run_at_a_time
from flows.ops import interrupts
from flows.ops.failure_handling import remembering_failure, telling_of_an_unwritable_home
from flows.reconciliation.run import landing_of, parity_warnings, reconcile
from flows.release import catalog, integrity, retention
from flows.release import publish as publish_module
from flows.release.status_counts import status_counts
from flows.report import report_page as reporting
from flows.run_config import RunConfig
from flows.sources.base import Delivery, Extract
from flows.sources.delivery import delivered
from flows.staging.load import Counts, discard_staging_tables
from flows.staging.plausibility import loaded_with_warnings
from flows.warehouse import erasure, release_base
from flows.warehouse.extract_log import warehouse_state
from flows.warehouse.merge import Merged, StagedExtract, warnings_of
from flows.warehouse.merge import merge as merge_extracts
from flows.warehouse.recovery import set_damaged_warehouse_aside
from flows.warehouse.table_counts import tables_in
from flows.warehouse.warehouse import Warehouse
from schemas.errors import UsageError, WarehouseDamaged
from schemas.home import Home
from schemas.manifest import Agreement, Manifest, Matched, StatusCounts, TableIn

log = logging.getLogger("pathstats.run")

Result = TypeVar("Result")
# How a stage is run: by a plain call, or as a Prefect task.
Runner = Callable[..., Any]


def directly(name: str, stage: Callable[..., Result], *arguments: Any) -> Result:
    """Run a stage by calling it."""
    return stage(*arguments)


def run_pipeline(config: RunConfig, run: Runner = directly) -> Manifest:
    """All stages in order; the published release's manifest.

    Raises: PathStatsError. Whatever fails before publishing leaves the live release as it was.
    """
    with (
        permissions.private(),
        telling_of_an_unwritable_home(config),
        one_run_at_a_time(config.home),
        remembering_failure(config),
        interrupts.heeded() as heed,
    ):

        def interruptible(*stage: Any) -> Any:
            heed()
            return run(*stage)

        permissions.tighten(config.home)
        try:
            return _with_warehouse(config, interruptible)
        except WarehouseDamaged:
            if config.source is None:
                raise
            set_damaged_warehouse_aside(config.home, config.run_id)
            return _with_warehouse(config, interruptible)


def _with_warehouse(config: RunConfig, run: Runner) -> Manifest:
    # Opening the warehouse takes longer than most queries of a stage, so one connection stays open.
    with _warehouse(config) as connection:
        manifest = _stages(config, connection, run)
        copy = erasure.copy_if_due(connection, config.home)
    if copy:
        erasure.replace_warehouse(config.home, copy)
    return manifest


def _stages(config: RunConfig, connection: Connection, run: Runner) -> Manifest:
    seconds: dict[str, float] = {}

    def timed(name: str, stage: Callable[..., Result], *arguments: Any) -> Result:
        log.info("%s", name, extra={"stage": name, "state": "started"})
        start = time.perf_counter()
        result: Result = run(name, stage, *arguments)
        seconds[name] = round(time.perf_counter() - start, 3)
        log.info("%s done", name, extra={"stage": name, "state": "done", "seconds": seconds[name]})
        return result

    delivery = timed("extract", extract, config)
    staged = [
        StagedExtract(item, timed(f"load {item.name}", load, config, item)) for item in delivery.extracts
    ]
    live_release = integrity.intact(config.home)
    # In one transaction: if too many results would vanish, the warehouse stays as it was, too.
    with connection.transaction():
        counts, merged = timed("merge", merge, config, connection, staged)
        computed = timed("transform", transform, config, connection, live_release)
    warnings = [*delivery.warnings, *warnings_of(staged), *merged.warnings]
    landing = landing_of(config.source, config.home)
    parity = timed("compare with the platform", compare, config, landing) if landing else None
    warnings += parity_warnings(parity, config.min_agreement) if parity else []
    companies = timed("report", report, config, counts, computed, merged.matched, warnings)
    manifest: Manifest = timed(
        "publish",
        publish,
        config,
        counts,
        merged.matched,
        computed,
        companies,
        parity,
        seconds,
        warnings,
    )
    timed("delete old releases", retention.delete_beyond, config.home, config.keep, manifest.release_id)
    return manifest


def _log_data_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        log.warning("%s", warning, extra={"is_about_data": True})


def extract(config: RunConfig) -> Delivery:
    """Extract everything that the source delivers, in the order of merging."""
    shutil.rmtree(config.home.extracts, ignore_errors=True)
    config.home.extracts.mkdir(parents=True)
    with _warehouse(config) as warehouse:
        discard_staging_tables(warehouse)
        state = warehouse_state(warehouse)
    if config.source:
        delivery = delivered(config.source, config.home.extracts, config.instant, state)
        _log_data_warnings(delivery.warnings)
        return delivery
    if not state.full_at:
        raise empty_warehouse(config.home)
    return Delivery([])


def empty_warehouse(home: Home) -> UsageError:
    """The error for a run without a source and without data in the warehouse."""
    return UsageError(f"{home.warehouse} contains no data yet; give --source.")


def load(config: RunConfig, item: Extract) -> Counts:
    """Load one extract into its staging table."""
    with _warehouse(config) as connection:
        counts = loaded_with_warnings(connection, item, config.instant)
    _log_data_warnings((*counts.warnings, *counts.implausible))
    return counts


def merge(
    config: RunConfig, connection: Connection, staged: list[StagedExtract]
) -> tuple[dict[str, TableIn], Merged]:
    """Merge the staging tables into the warehouse, unless a quality threshold blocks the run."""
    live = catalog.live_release(config.home)
    merged = merge_extracts(
        connection, staged, thresholds=config, run_id=config.run_id, as_of=config.instant, live=live
    )
    counts = tables_in(connection, staged, merged.counts, live)
    _log_data_warnings(merged.warnings)
    shutil.rmtree(config.home.extracts, ignore_errors=True)
    with suppress(OSError):
        # A platform's landings are kept in it; without any it is empty.
        config.home.landing.rmdir()
    return counts, merged


def transform(config: RunConfig, connection: Connection, live_release: Manifest | None) -> Computed:
    """Compute the release that is being built. live_release: the live one, if it is intact."""
    building = publish_module.start_building(config.home)
    return run_parts.transform(
        connection,
        config.home,
        live_release,
        building,
        config.instant,
        full_refresh=config.full_refresh,
        thresholds=config,
    )


def compare(config: RunConfig, landing: Path) -> Agreement | None:
    """Compare the results with the platform's own; None if they were not requested."""
    with _warehouse(config) as connection:
        found = reconcile(connection, config.home.building, landing, config.instant)
    _log_data_warnings(parity_warnings(found, config.min_agreement) if found else [])
    return found


def report(
    config: RunConfig,
    tables_in: dict[str, TableIn],
    computed: Computed,
    matched: dict[str, Matched],
    warnings: list[str],
) -> dict[str, StatusCounts]:
    """Write the pages of the report, and return the status counts of each company."""
    companies = status_counts(config.home.building)
    run = reporting.Run.with_history(
        config.home, config.instant, companies, tables_in, computed.since, matched, warnings
    )
    with _warehouse(config) as connection:
        reporting.write_report(connection, config.home.building.folder, run, with_names=config.with_names)
    return companies


def publish(
    config: RunConfig,
    tables_in: dict[str, TableIn],
    matched: dict[str, Matched],
    computed: Computed,
    companies: dict[str, StatusCounts],
    parity: Agreement | None,
    seconds: dict[str, float],
    warnings: list[str],
) -> Manifest:
    """Give the release its name and make it the live one; later changes are logged after it."""
    release_id = publish_module.next_release_id(config.home, config.run_id)
    with _warehouse(config) as connection:
        release_base.record_release(connection, release_id, catalog.names(config.home))
    return publish_module.publish(
        config.home,
        release_id=release_id,
        run_id=config.run_id,
        as_of=config.instant,
        source=config.source or "warehouse",
        tables_in=tables_in,
        computed=computed.computed,
        reused=computed.reused,
        since=computed.since,
        transitions=computed.transitions,
        companies=companies,
        seconds=dict(seconds),
        parity=parity,
        warnings=warnings,
        matched=matched,
    )


def _warehouse(config: RunConfig) -> Warehouse:
    return Warehouse.open(config.home.warehouse, config.memory)
