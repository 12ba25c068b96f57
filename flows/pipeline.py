"""One night in its order: extract, load, accept, transform, report, publish. Plain functions, no Prefect."""

import logging
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flows.compute import run_parts
from flows.compute.run_parts import Computed
from flows.database.connection import Duck
from flows.home import permissions
from flows.home.lock import one_night_at_a_time
from flows.ops import interrupts, notifications
from flows.ops.failure_handling import remembering_failure, telling_of_an_unwritable_home
from flows.reconciliation.run import hold_against_the_platform, landing_of, parity_warnings
from flows.release import catalog, checksums, integrity, retention
from flows.release import publish as publish_module
from flows.release.status_counts import standings
from flows.report import charts
from flows.report import report_page as reporting
from flows.run_config import Plan
from flows.sources.base import Delivery, Extract, Held
from flows.sources.registry import open_source
from flows.staging import load as load_module
from flows.staging.load import Counts
from flows.staging.plausibility import loaded_with_warnings
from flows.warehouse import merge, release_base, storage_version
from flows.warehouse.merge import Accepted, Arrival
from flows.warehouse.recovery import set_aside
from schemas.columns import table_name
from schemas.errors import (
    SourceError,
    UsageError,
    WarehouseDamaged,
)
from schemas.home import Home
from schemas.inputs import INPUTS, OPTIONAL
from schemas.manifest import Agreement, FileOut, Manifest, Matched, Standing, TableIn

log = logging.getLogger("pathstats.night")

Answer = TypeVar("Answer")
# How a phase is run: by a plain call, or by a Prefect task.
Runner = Callable[..., Any]


def directly(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
    """Run a phase by calling it."""
    return phase(*arguments)


def run_night(plan: Plan, run: Runner = directly, webhook: notifications.Webhook | None = None) -> Manifest:
    """All phases in order; the published release's manifest.

    webhook: is told of a failure and of the recovery.
    Raises:  PathStatsError. Whatever fails before the last phase leaves the last release as it was.
    """
    with (
        permissions.private(),
        telling_of_an_unwritable_home(plan, webhook),
        one_night_at_a_time(plan.home),
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
            set_aside(plan.home, plan.run_id)
            return _with_warehouse(plan, heeding)


def _with_warehouse(plan: Plan, run: Runner) -> Manifest:
    # To open it anew takes each phase longer than most of what it asks; open, it is there for all of them.
    with _warehouse(plan) as duck:
        return _phases(plan, duck, run)


def _phases(plan: Plan, duck: Duck, run: Runner) -> Manifest:
    seconds: dict[str, float] = {}

    def timed(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
        log.info("%s", name, extra={"phase": name, "state": "started"})
        start = time.perf_counter()
        answer: Answer = run(name, phase, *arguments)
        seconds[name] = round(time.perf_counter() - start, 3)
        log.info("%s done", name, extra={"phase": name, "state": "done", "seconds": seconds[name]})
        return answer

    def arrived(items: list[Extract]) -> list[Arrival]:
        return [Arrival(item, timed(f"load {item.name}", load, plan, item)) for item in items]

    delivery = timed("extract", extract, plan)
    extracts = delivery.extracts
    # Beside the phases: what else they would wait for.
    with ThreadPoolExecutor(max_workers=1) as aside:
        answering = aside.submit(integrity.intact, plan.home)
        arrivals = arrived(extracts[:-1])
        # That holds Python's lock, which nobody asks for while the last and longest table is read. What fails
        # here fails again in the report.
        aside.submit(charts.start)
        arrivals += arrived(extracts[-1:])
        # Results that vanish block the run, too: then the warehouse takes nothing of this delivery.
        with duck.transaction():
            tables_in, accepted = timed("accept", accept, plan, duck, arrivals)
            computed = timed("transform", transform, plan, duck, answering.result())
        warnings = [
            *delivery.warnings,
            *merge.warnings_of(arrivals),
            *accepted.warnings,
            *computed.warnings,
        ]
        building = plan.home.building
        described = aside.submit(checksums.described, building, building.files())
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


def extract(plan: Plan) -> Delivery:
    """Land what the source delivers, in the order in which the warehouse wants it."""
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    plan.home.extracts.mkdir(parents=True)
    with _warehouse(plan) as duck:
        with duck.transaction():
            storage_version.declare(duck, plan.home.warehouse)
            load_module.start(duck)
            merge.start(duck)
        held = merge.held(duck)
    if plan.source:
        delivery = delivered(plan.source, plan.home.extracts, plan.as_of, held)
        for warning in delivery.warnings:
            log.warning("%s", warning)
        return delivery
    if not held.full_at:
        raise nothing_held(plan.home)
    return Delivery([])


def nothing_held(home: Home) -> UsageError:
    """There is nothing that a night without a source could work from."""
    return UsageError(f"{home.warehouse} holds no data yet; say with --source where they come from.")


def delivered(source: str, landing: Path, as_of: datetime, held: Held) -> Delivery:
    """Everything that the source delivers.

    Raises: SourceError if it leaves out a table that the warehouse does not hold.
    """
    items = list(open_source(source).extract(landing, as_of, held))
    extracts = [item for item in items if isinstance(item, Extract)]
    for model in (model for model in INPUTS if model not in OPTIONAL):
        if table_name(model) not in {*held.full_at, *(item.table for item in extracts if item.is_full)}:
            raise SourceError(f"Source {source} delivered no table {table_name(model)}.")
    places = {table_name(model): place for place, model in enumerate(INPUTS)}
    return Delivery(
        sorted(extracts, key=lambda item: (places[item.table], not item.is_full)),
        [str(item) for item in items if not isinstance(item, Extract)],
    )


def load(plan: Plan, item: Extract) -> Counts:
    """Check and load one table beside the current one."""
    with _warehouse(plan) as duck:
        counts = loaded_with_warnings(duck, item, plan.as_of)
    for warning in (*counts.warnings, *counts.implausible):
        log.warning("%s", warning)
    return counts


def accept(plan: Plan, duck: Duck, arrivals: list[Arrival]) -> tuple[dict[str, TableIn], Accepted]:
    """Merge the loaded tables into the warehouse, unless a quality threshold blocks the run."""
    live = catalog.answering(plan.home)
    accepted = merge.accept(
        duck, arrivals, limits=plan.limits, run_id=plan.run_id, as_of=plan.as_of, live=live
    )
    tables_in = merge.tables_in(duck, arrivals, accepted.counts, live)
    for warning in accepted.warnings:
        log.warning("%s", warning)
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    with suppress(OSError):
        # A platform's landings are kept in it; without any it is empty.
        plan.home.landing.rmdir()
    return tables_in, accepted


def transform(plan: Plan, duck: Duck, answering: Manifest | None) -> Computed:
    """Compute the release that is being built. answering: the one that does so far, if it is intact."""
    building = publish_module.start_building(plan.home)
    return run_parts.transform(
        duck, plan.home, answering, building, plan.as_of, anew=plan.anew, limits=plan.limits
    )


def compare(plan: Plan, landing: Path) -> Agreement | None:
    """Hold what was computed against the platform's own answers; None if it was not asked for them."""
    with _warehouse(plan) as duck:
        found = hold_against_the_platform(duck, plan.home.building, landing, plan.as_of)
    for warning in parity_warnings(found, plan.least_agreement) if found else []:
        log.warning("%s", warning)
    return found


def report(
    plan: Plan,
    tables_in: dict[str, TableIn],
    computed: Computed,
    matched: dict[str, Matched],
    warnings: list[str],
) -> dict[str, Standing]:
    """Write the pages that people open, and tell where the learners of each company stand."""
    companies = standings(plan.home.building)
    told = reporting.Night.told_by(
        plan.home, plan.as_of, companies, tables_in, computed.since, matched, warnings
    )
    with _warehouse(plan) as duck:
        reporting.write_report(duck, plan.home.building.folder, told, with_names=plan.with_names)
    return companies


def publish(
    plan: Plan,
    tables_in: dict[str, TableIn],
    matched: dict[str, Matched],
    computed: Computed,
    companies: dict[str, Standing],
    files: dict[str, FileOut],
    parity: Agreement | None,
    seconds: dict[str, float],
    warnings: list[str],
) -> Manifest:
    """Name the release and make it the latest; changes are marked since it from now on."""
    release_id = publish_module.next_release_id(plan.home, plan.run_id)
    with _warehouse(plan) as duck:
        release_base.settle(duck, release_id, catalog.names(plan.home))
    return publish_module.publish(
        plan.home,
        release_id=release_id,
        run_id=plan.run_id,
        as_of=plan.as_of,
        source=plan.source or "warehouse",
        tables_in=tables_in,
        computed=computed.computed,
        carried=computed.carried,
        since=computed.since,
        transitions=computed.transitions,
        companies=companies,
        seconds=dict(seconds),
        files=files,
        parity=parity,
        warnings=warnings,
        matched=matched,
    )


def _warehouse(plan: Plan) -> Duck:
    return Duck(plan.home.warehouse, plan.memory_limit)
