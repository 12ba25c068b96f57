"""One night in its order: extract, load, accept, transform, report, publish. Plain functions, no Prefect."""

import logging
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from filelock import FileLock, Timeout

from flows import incidents, notices, transforming
from flows.parity.holding import hold_against_the_platform, landing_of
from flows.publishing import history, release, retention
from flows.publishing.standings import standings
from flows.reporting import report as reporting
from flows.sources.base import Extract, Held
from flows.sources.opening import open_source
from flows.transforming import Computed
from flows.warehouse import accepting, loading, since_release
from flows.warehouse.accepting import DEFAULT_LIMITS, Arrival, Limits
from flows.warehouse.duck import DEFAULT_MEMORY_LIMIT, Duck
from flows.warehouse.loading import Counts
from flows.warehouse.setting_aside import set_aside
from schemas.columns import table_name
from schemas.errors import (
    HomeBusy,
    HomeUnwritable,
    NightFailed,
    PathStatsError,
    SourceError,
    UsageError,
    WarehouseDamaged,
)
from schemas.home import Home
from schemas.inputs import INPUTS, OPTIONAL, model_of
from schemas.manifest import Agreement, Manifest, Standing, TableIn, run_id

log = logging.getLogger("pathstats.night")

Answer = TypeVar("Answer")
# Below it a night warns.
LEAST_AGREEMENT = 0.98
# How a phase is run: by a plain call, or by a Prefect task.
Runner = Callable[..., Any]


@dataclass(frozen=True)
class Plan:
    """What a night is to do: names and a time, nothing else.

    source: None: nothing is extracted, the night works from what is in the warehouse.
    anew:   compute every row, also of those who can't have another answer than in the last release.
    memory_limit: the most that the warehouse takes of memory; the rules take about 3 GB beside it.
    with_names: show learners by name and e-mail in the report, not by their ids.
    least_agreement: the share of a platform's own answers that are to be ours, or others for a known reason.
    """

    source: str | None
    home: Home
    as_of: datetime
    limits: Limits = DEFAULT_LIMITS
    keep: int = 30
    anew: bool = False
    memory_limit: str = DEFAULT_MEMORY_LIMIT
    with_names: bool = False
    least_agreement: float = LEAST_AGREEMENT

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone: 2026-03-10T00:00:00Z.")
        if not re.fullmatch(r"\d+(\.\d+)? ?[MG]B", self.memory_limit):
            raise UsageError(f"{self.memory_limit!r} is no memory limit; write 4GB or 800MB.")
        if self.keep < 1:
            raise UsageError(f"keep={self.keep}: at least one release is kept; give 1 or more.")
        if "?" in str(self.home.root):
            # DuckDB takes what follows for parameters, and puts the file's log elsewhere.
            raise UsageError(
                f"{self.home.root} holds a question mark, which no home can; give another --home."
            )
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))

    @property
    def run_id(self) -> str:
        return run_id(self.as_of)

    def parameters(self) -> dict[str, Any]:
        """The plan as parameters of the Prefect flow."""
        return {
            "source": self.source,
            "home": str(self.home.root),
            "as_of": self.as_of,
            "max_refused_share": self.limits.refused_share,
            "max_shrink_share": self.limits.shrink_share,
            "keep": self.keep,
            "anew": self.anew,
            "memory_limit": self.memory_limit,
            "with_names": self.with_names,
            "least_agreement": self.least_agreement,
        }


def directly(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
    """Run a phase by calling it."""
    return phase(*arguments)


def run_night(plan: Plan, run: Runner = directly, webhook: notices.Webhook | None = None) -> Manifest:
    """All phases in order; the published release's manifest.

    webhook: is told of a failure and of the recovery.
    Raises:  PathStatsError. Whatever fails before the last phase leaves the last release as it was.
    """
    with (
        _telling_of_an_unwritable_home(plan, webhook),
        one_night_at_a_time(plan.home),
        _remembering_failure(plan, webhook),
    ):
        try:
            return _phases(plan, run)
        except WarehouseDamaged:
            if plan.source is None:
                raise
            set_aside(plan.home, plan.run_id)
            return _phases(plan, run)


def _phases(plan: Plan, run: Runner) -> Manifest:
    seconds: dict[str, float] = {}

    def timed(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
        log.info("%s", name, extra={"phase": name, "state": "started"})
        start = time.perf_counter()
        answer: Answer = run(name, phase, *arguments)
        seconds[name] = round(time.perf_counter() - start, 3)
        log.info("%s done", name, extra={"phase": name, "state": "done", "seconds": seconds[name]})
        return answer

    extracts = timed("extract", extract, plan)
    arrivals = [Arrival(item, timed(f"load {item.name}", load, plan, item)) for item in extracts]
    tables_in = timed("accept", accept, plan, arrivals)
    computed = timed("transform", transform, plan)
    parity = timed("compare with the platform", compare, plan) if landing_of(plan.source, plan.home) else None
    companies = timed("report", report, plan, tables_in, computed)
    manifest: Manifest = timed("publish", publish, plan, tables_in, computed, companies, parity, seconds)
    timed("delete old releases", retention.delete_beyond, plan.home, plan.keep, manifest.release_id)
    return manifest


def extract(plan: Plan) -> list[Extract]:
    """Land what the source delivers, in the order in which the warehouse wants it."""
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    plan.home.extracts.mkdir(parents=True)
    with _warehouse(plan) as duck:
        loading.start(duck)
        accepting.start(duck)
        held = accepting.held(duck)
    if plan.source:
        return delivered(plan.source, plan.home.extracts, plan.as_of, held)
    if not held.full_at:
        raise nothing_held(plan.home)
    return []


def nothing_held(home: Home) -> UsageError:
    """There is nothing that a night without a source could work from."""
    return UsageError(f"{home.warehouse} holds no data yet; say with --source where they come from.")


def delivered(source: str, landing: Path, as_of: datetime, held: Held) -> list[Extract]:
    """What the source delivers, in the warehouse's order: each table before its changes.

    Raises: SourceError if it leaves out a table that the warehouse does not hold.
    """
    extracts = list(open_source(source).extract(landing, as_of, held))
    for model in (model for model in INPUTS if model not in OPTIONAL):
        if table_name(model) not in {*held.full_at, *(item.table for item in extracts if item.is_full)}:
            raise SourceError(f"Source {source} delivered no table {table_name(model)}.")
    places = {table_name(model): place for place, model in enumerate(INPUTS)}
    return sorted(extracts, key=lambda item: (places[item.table], not item.is_full))


def load(plan: Plan, item: Extract) -> Counts:
    """Check and load one table beside the current one."""
    with _warehouse(plan) as duck:
        counts = loading.load(duck, model_of(item.table), item)
    for name in counts.ignored_columns:
        log.warning("%s: column %s is not part of the contract and was ignored.", item.file.name, name)
    return counts


def accept(plan: Plan, arrivals: list[Arrival]) -> dict[str, TableIn]:
    """Hold what was lost against the limits, then make the loaded tables the warehouse's."""
    answering = history.answering(plan.home)
    with _warehouse(plan) as duck:
        counts = accepting.accept(
            duck,
            arrivals,
            limits=plan.limits,
            run_id=plan.run_id,
            as_of=plan.as_of,
            published={name: table.held for name, table in answering.tables_in.items()} if answering else {},
        )
        tables_in = accepting.tables_in(duck, arrivals, counts)
    shutil.rmtree(plan.home.extracts, ignore_errors=True)
    return tables_in


def transform(plan: Plan) -> Computed:
    """Compute the release that is being built."""
    building = release.start_building(plan.home)
    with _warehouse(plan) as duck:
        return transforming.transform(duck, plan.home, building, plan.as_of, anew=plan.anew)


def compare(plan: Plan) -> Agreement | None:
    """Hold what was computed against the platform's own answers; None if it was not asked for them."""
    landing = landing_of(plan.source, plan.home)
    if landing is None:
        return None
    with _warehouse(plan) as duck:
        return hold_against_the_platform(duck, plan.home.building, landing, plan.as_of, plan.least_agreement)


def report(plan: Plan, tables_in: dict[str, TableIn], computed: Computed) -> dict[str, Standing]:
    """Write the pages that people open, and tell where the learners of each company stand."""
    companies = standings(plan.home.building)
    told = reporting.Night.told_by(plan.home, plan.as_of, companies, tables_in, computed.since)
    reporting.write_report(plan.home.building.folder, told, with_names=plan.with_names)
    return companies


def publish(
    plan: Plan,
    tables_in: dict[str, TableIn],
    computed: Computed,
    companies: dict[str, Standing],
    parity: Agreement | None,
    seconds: dict[str, float],
) -> Manifest:
    """Name the release and make it the latest; changes are marked since it from now on."""
    release_id = release.next_release_id(plan.home, plan.run_id)
    with _warehouse(plan) as duck:
        since_release.settle(duck, release_id, history.names(plan.home))
    return release.publish(
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
        parity=parity,
    )


def _warehouse(plan: Plan) -> Duck:
    return Duck(plan.home.warehouse, plan.memory_limit)


@contextmanager
def one_night_at_a_time(home: Home) -> Iterator[None]:
    """Hold the home's lock; the system releases it if the process dies."""
    lock = FileLock(home.lock, timeout=0)
    try:
        home.published.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise HomeBusy(f"Another night is running in {home.root}; wait for it to end.") from error
    except OSError as error:
        raise HomeUnwritable(
            f"{home.root} can't be written ({error.strerror}); give --home a folder this user may write to."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _telling_of_an_unwritable_home(plan: Plan, webhook: notices.Webhook | None) -> Iterator[None]:
    """Such a home can't remember that it was told of: each night says so.

    A home that is busy is no failure: the night that runs in it will say how it ended.
    """
    try:
        yield
    except HomeUnwritable as error:
        _failed(plan, webhook, error)
        raise


@contextmanager
def _remembering_failure(plan: Plan, webhook: notices.Webhook | None) -> Iterator[None]:
    """Remember what stopped the night, for `pathstats status`, and tell of it; the next success ends that.

    Raises: every failure as a PathStatsError; one that is not expected is ours, and names no data.
    """
    try:
        yield
    except PathStatsError as error:
        _failed(plan, webhook, error)
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        failed = NightFailed(incidents.in_one_sentence(plan.home, error))
        _failed(plan, webhook, failed)
        raise failed from error
    incidents.end(plan.home)
    notices.tell_recovery(webhook, plan.home, plan.as_of)


def _failed(plan: Plan, webhook: notices.Webhook | None, error: PathStatsError) -> None:
    incident = incidents.remember(plan.home, incidents.Failure.now(plan.as_of, error))
    notices.tell_failure(webhook, plan.home, incident)
