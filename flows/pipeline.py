"""The stages of a run in order, as plain functions: extract, load, accept, transform, report, publish."""

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flows.compute import run_parts
from flows.compute.run_parts import Computed
from flows.database.connection import Connection
from flows.home import permissions
from flows.home.lock import one_run_at_a_time
from flows.ops import interrupts, notifications
from flows.ops.failure_handling import remembering_failure, telling_of_an_unwritable_home
from flows.reconciliation.run import landing_of, parity_warnings, reconcile
from flows.release import catalog, checksums, integrity, retention
from flows.release import publish as publish_module
from flows.release.status_counts import status_counts
from flows.report import charts
from flows.report import report_page as reporting
from flows.run_config import RunConfig
from flows.sources.base import Delivery, Extract, WarehouseState
from flows.sources.registry import open_source
from flows.staging import load as load_module
from flows.staging.load import Counts
from flows.staging.plausibility import loaded_with_warnings
from flows.warehouse import erasure, merge, release_base, storage_version
from flows.warehouse.merge import Merged, StagedExtract
from flows.warehouse.recovery import set_damaged_warehouse_aside
from schemas.columns import table_name
from schemas.errors import (
    SourceError,
    UsageError,
    WarehouseDamaged,
)
from schemas.home import Home
from schemas.inputs import INPUTS, OPTIONAL
from schemas.manifest import Agreement, FileOut, Manifest, Matched, StatusCounts, TableIn

log = logging.getLogger("pathstats.run")

Answer = TypeVar("Answer")
# How a phase is run: by a plain call, or by a Prefect task.
Runner = Callable[..., Any]


def directly(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
    """Run a phase by calling it."""
    return phase(*arguments)


def run_pipeline(
    plan: RunConfig, run: Runner = directly, webhook: notifications.Webhook | None = None
) -> Manifest:
    """All phases in order; the published release's manifest.

    webhook: is notified of a failure and of the recovery.
    Raises:  PathStatsError. Whatever fails before the last phase leaves the last release as it was.
    """
    with (
        permissions.private(),
        telling_of_an_unwritable_home(plan, webhook),
        one_run_at_a_time(plan.home),
        remembering_failure(plan, webhook),
        interrupts.heeded() as heed,
    ):

        def heeding(*phase: Any) -> Any:
            heed()
            return run(*phase)

        permissions.tighten(plan.home)
        try:
            return _with_warehouse(plan, heeding)
        except WarehouseDamaged:
            if plan.source is None:
                raise
            set_damaged_warehouse_aside(plan.home, plan.run_id)
            return _with_warehouse(plan, heeding)


def _with_warehouse(plan: RunConfig, run: Runner) -> Manifest:
    # Opening it takes longer than most queries of a stage; all stages share the open one.
    with _warehouse(plan) as connection:
        manifest = _phases(plan, connection, run)
        copy = erasure.copy_if_due(connection, plan.home)
    if copy:
        erasure.replace_warehouse(plan.home, copy)
    return manifest


def _phases(plan: RunConfig, connection: Connection, run: Runner) -> Manifest:
    seconds: dict[str, float] = {}

    def timed(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
        log.info("%s", name, extra={"phase": name, "state": "started"})
        start = time.perf_counter()
        answer: Answer = run(name, phase, *arguments)
        seconds[name] = round(time.perf_counter() - start, 3)
        log.info("%s done", name, extra={"phase": name, "state": "done", "seconds": seconds[name]})
        return answer

    def arrived(items: list[Extract]) -> list[StagedExtract]:
        return [StagedExtract(item, timed(f"load {item.name}", load, plan, item)) for item in items]

    delivery = timed("extract", extract, plan)
    extracts = delivery.extracts
    # Beside the phases: what else they would wait for.
    with ThreadPoolExecutor(max_workers=1) as background:
        live_release = background.submit(integrity.intact, plan.home)
        arrivals = arrived(extracts[:-1])
        # Starting the charts occupies Python's lock, which is free while the last and longest table is read.
        # A failure here is raised again in the report.
        background.submit(charts.start)
        arrivals += arrived(extracts[-1:])
        # Results that vanish block the run, too: then the warehouse takes nothing of this delivery.
        with connection.transaction():
            tables_in, accepted = timed("accept", accept, plan, connection, arrivals)
            computed = timed("transform", transform, plan, connection, live_release.result())
        warnings = [
            *delivery.warnings,
            *merge.warnings_of(arrivals),
            *accepted.warnings,
        ]
        building = plan.home.building
        described = background.submit(checksums.described, building, building.files())
        landing = landing_of(plan.source, plan.home)
        parity = timed("compare with the platform", compare, plan, landing) if landing else None
        warnings += parity_warnings(parity, plan.least_agreement) if parity else []
        companies = timed("report", report, plan, tables_in, computed, accepted.matched, warnings)
        files = described.result()
    manifest: Manifest = timed(
        "publish",
        publish,
        plan,
        tables_in,
        accepted.matched,
        computed,
        companies,
        files,
        parity,
        seconds,
        warnings,
    )
    timed("delete old releases", retention.delete_beyond, plan.home, plan.keep, manifest.release_id)
    return manifest


def _log_data_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        log.warning("%s", warning, extra={"is_about_data": True})


def extract(plan: RunConfig) -> Delivery:
    """Land what the source delivers, in the order in which the warehouse wants it."""
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    plan.home.extracts.mkdir(parents=True)
    with _warehouse(plan) as connection:
        with connection.transaction():
            storage_version.declare(connection, plan.home.warehouse)
            load_module.start(connection)
            merge.start(connection)
        state = merge.warehouse_state(connection)
    if plan.source:
        delivery = delivered(plan.source, plan.home.extracts, plan.as_of, state)
        _log_data_warnings(delivery.warnings)
        return delivery
    if not state.full_at:
        raise empty_warehouse(plan.home)
    return Delivery([])


def empty_warehouse(home: Home) -> UsageError:
    """There is nothing that a run without a source could work from."""
    return UsageError(f"{home.warehouse} contains no data yet; give --source.")


def delivered(source: str, landing: Path, as_of: datetime, state: WarehouseState) -> Delivery:
    """Everything that the source delivers.

    Raises: SourceError if it leaves out a table that is not in the warehouse.
    """
    items = list(open_source(source).extract(landing, as_of, state))
    extracts = [item for item in items if isinstance(item, Extract)]
    for model in (model for model in INPUTS if model not in OPTIONAL):
        if table_name(model) not in {*state.full_at, *(item.table for item in extracts if item.is_full)}:
            raise SourceError(f"Source {source} delivered no table {table_name(model)}.")
    places = {table_name(model): place for place, model in enumerate(INPUTS)}
    return Delivery(
        sorted(extracts, key=lambda item: (places[item.table], not item.is_full)),
        [str(item) for item in items if not isinstance(item, Extract)],
    )


def load(plan: RunConfig, item: Extract) -> Counts:
    """Load one extract into its staging table."""
    with _warehouse(plan) as connection:
        counts = loaded_with_warnings(connection, item, plan.as_of)
    _log_data_warnings((*counts.warnings, *counts.implausible))
    return counts


def accept(
    plan: RunConfig, connection: Connection, arrivals: list[StagedExtract]
) -> tuple[dict[str, TableIn], Merged]:
    """Merge the loaded tables into the warehouse, unless a quality threshold blocks the run."""
    live = catalog.live_release(plan.home)
    accepted = merge.accept(
        connection, arrivals, limits=plan.limits, run_id=plan.run_id, as_of=plan.as_of, live=live
    )
    tables_in = merge.tables_in(connection, arrivals, accepted.counts, live)
    _log_data_warnings(accepted.warnings)
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    with suppress(OSError):
        # A platform's landings are kept in it; without any it is empty.
        plan.home.landing.rmdir()
    return tables_in, accepted


def transform(plan: RunConfig, connection: Connection, live_release: Manifest | None) -> Computed:
    """Compute the release that is being built. live_release: the one that does so far, if it is intact."""
    building = publish_module.start_building(plan.home)
    return run_parts.transform(
        connection,
        plan.home,
        live_release,
        building,
        plan.as_of,
        full_refresh=plan.full_refresh,
        limits=plan.limits,
    )


def compare(plan: RunConfig, landing: Path) -> Agreement | None:
    """Hold what was computed against the platform's own answers; None if it was not asked for them."""
    with _warehouse(plan) as connection:
        found = reconcile(connection, plan.home.building, landing, plan.as_of)
    _log_data_warnings(parity_warnings(found, plan.least_agreement) if found else [])
    return found


def report(
    plan: RunConfig,
    tables_in: dict[str, TableIn],
    computed: Computed,
    matched: dict[str, Matched],
    warnings: list[str],
) -> dict[str, StatusCounts]:
    """Write the pages of the report, and return the status counts of each company."""
    companies = status_counts(plan.home.building)
    told = reporting.Run.with_history(
        plan.home, plan.as_of, companies, tables_in, computed.since, matched, warnings
    )
    with _warehouse(plan) as connection:
        reporting.write_report(connection, plan.home.building.folder, told, with_names=plan.with_names)
    return companies


def publish(
    plan: RunConfig,
    tables_in: dict[str, TableIn],
    matched: dict[str, Matched],
    computed: Computed,
    companies: dict[str, StatusCounts],
    files: dict[str, FileOut],
    parity: Agreement | None,
    seconds: dict[str, float],
    warnings: list[str],
) -> Manifest:
    """Name the release and make it the latest; changes are marked since it from now on."""
    release_id = publish_module.next_release_id(plan.home, plan.run_id)
    with _warehouse(plan) as connection:
        release_base.settle(connection, release_id, catalog.names(plan.home))
    return publish_module.publish(
        plan.home,
        release_id=release_id,
        run_id=plan.run_id,
        as_of=plan.as_of,
        source=plan.source or "warehouse",
        tables_in=tables_in,
        computed=computed.computed,
        reused=computed.reused,
        since=computed.since,
        transitions=computed.transitions,
        companies=companies,
        seconds=dict(seconds),
        files=files,
        parity=parity,
        warnings=warnings,
        matched=matched,
    )


def _warehouse(plan: RunConfig) -> Connection:
    return Connection(plan.home.warehouse, plan.memory_limit)
