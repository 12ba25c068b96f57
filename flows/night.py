"""One night in its order: extract, load, accept, transform, publish. Plain functions, no Prefect."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from filelock import FileLock, Timeout

from flows import incidents, notices
from flows.publishing import lookup_index, release, tables
from flows.publishing.gate import check_summary
from flows.sources.base import Extract
from flows.sources.opening import open_source
from flows.warehouse import loading
from flows.warehouse.duck import Duck
from flows.warehouse.loading import Counts
from flows.warehouse.world import SESSIONS_BY_ID, USERS_BY_ID, world
from schemas.columns import Table, table_name
from schemas.dictionary import data_dictionary
from schemas.errors import HomeBusy, HomeUnwritable, NightFailed, PathStatsError, SourceError, UsageError
from schemas.home import Home
from schemas.inputs import INPUTS, PathSessions, Users
from schemas.manifest import Manifest, TableIn, run_id
from schemas.outputs import PathSessionStats, Quarantine, SessionSummary, StepStats
from transforms.published import statistics

log = logging.getLogger("pathstats.night")

Answer = TypeVar("Answer")
# How a phase is run: by a plain call, or by a Prefect task.
Runner = Callable[..., Any]


@dataclass(frozen=True)
class Plan:
    """What a night is to do: names and a time, nothing else."""

    source: str
    home: Home
    as_of: datetime
    max_refused_share: float = 0.05

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone: 2026-03-10T00:00:00Z.")
        if "?" in str(self.home.root):
            # DuckDB takes what follows for parameters, and puts the file's log elsewhere.
            raise UsageError(
                f"{self.home.root} holds a question mark, which no home can; give another --home."
            )
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))

    @property
    def run_id(self) -> str:
        return run_id(self.as_of)


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
        _one_night_at_a_time(plan.home),
        _remembering_failure(plan, webhook),
    ):
        seconds: dict[str, float] = {}

        def timed(name: str, phase: Callable[..., Answer], *arguments: Any) -> Answer:
            log.info("%s", name, extra={"phase": name, "state": "started"})
            start = time.perf_counter()
            answer: Answer = run(name, phase, *arguments)
            seconds[name] = round(time.perf_counter() - start, 3)
            log.info("%s done", name, extra={"phase": name, "state": "done", "seconds": seconds[name]})
            return answer

        extracts = timed("extract", extract, plan)
        counts = {item.table: timed(f"load {item.table}", load, plan, item) for item in extracts}
        counts = timed("accept", accept, plan, counts)
        timed("transform", transform, plan)
        return timed("publish", publish, plan, extracts, counts, seconds)


def extract(plan: Plan) -> list[Extract]:
    """Land the source's six tables; in the order in which the warehouse wants them."""
    shutil.rmtree(plan.home.landing, ignore_errors=True)
    plan.home.landing.mkdir(parents=True)
    extracts = delivered(plan.source, plan.home.landing, plan.as_of)
    with _warehouse(plan) as duck:
        loading.start(duck)
    return extracts


def delivered(source: str, landing: Path, as_of: datetime) -> list[Extract]:
    """What the source delivers, one extract for each of the six tables, in the warehouse's order.

    Raises: SourceError if it leaves a table out.
    """
    extracts = {item.table: item for item in open_source(source).extract(landing, as_of)}
    for model in INPUTS:
        if table_name(model) not in extracts:
            raise SourceError(f"Source {source} delivered no table {table_name(model)}.")
    return [extracts[table_name(model)] for model in INPUTS]


def load(plan: Plan, item: Extract) -> Counts:
    """Check and load one table beside the current one."""
    with _warehouse(plan) as duck:
        counts = loading.load(duck, _model(item.table), item, run_id=plan.run_id, as_of=plan.as_of)
    for name in counts.ignored_columns:
        log.warning("%s: column %s is not part of the contract and was ignored.", item.file.name, name)
    return counts


def accept(plan: Plan, counts: dict[str, Counts]) -> dict[str, Counts]:
    """Hold the refused shares against the limit, then make the loaded tables the warehouse's."""
    with _warehouse(plan) as duck:
        accepted = loading.accept(
            duck, counts, max_refused_share=plan.max_refused_share, run_id=plan.run_id, as_of=plan.as_of
        )
    shutil.rmtree(plan.home.landing, ignore_errors=True)
    return accepted


def transform(plan: Plan) -> None:
    """Compute every output table, check it, write it into the release that is being built, and index it."""
    building = release.start_building(plan.home)
    with _warehouse(plan) as duck:
        tables.write(building, Users, duck.frame(loading.published_rows(Users)))
        tables.write(building, PathSessions, duck.frame(loading.published_rows(PathSessions)))
        tables.write(building, Quarantine, duck.frame(loading.published_rows(Quarantine)))
        answer = statistics(world(duck), plan.as_of)
        sessions, users = duck.frame(SESSIONS_BY_ID), duck.frame(USERS_BY_ID)
    check_summary(answer.path_session_stats, answer.session_summary)
    # The index is SQLite's work on one core, so the other writes parquet meanwhile.
    with ThreadPoolExecutor(max_workers=1) as beside:
        index = beside.submit(lookup_index.build, building, sessions, users, answer.answers)
        tables.write(building, PathSessionStats, answer.path_session_stats)
        tables.write(building, StepStats, answer.step_stats)
        tables.write(building, SessionSummary, answer.session_summary)
        building.data_dictionary.write_text(data_dictionary(), "utf-8")
        index.result()


def publish(
    plan: Plan, extracts: list[Extract], counts: dict[str, Counts], seconds: dict[str, float]
) -> Manifest:
    """Name the release and make it the latest."""
    taken = {item.table: item.data_as_of.isoformat(timespec="seconds") for item in extracts}
    tables_in = {
        table: TableIn(
            count.read, count.stored, count.folded, count.refused, count.waiting, count.reasons, taken[table]
        )
        for table, count in counts.items()
    }
    return release.publish(
        plan.home,
        run_id=plan.run_id,
        as_of=plan.as_of,
        source=plan.source,
        tables_in=tables_in,
        seconds=dict(seconds),
    )


def _warehouse(plan: Plan) -> Duck:
    return Duck(plan.home.warehouse)


def _model(table: str) -> type[Table]:
    return next(model for model in INPUTS if table_name(model) == table)


@contextmanager
def _one_night_at_a_time(home: Home) -> Iterator[None]:
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
        if isinstance(error, OSError):
            words = f"The night can't read or write its files ({error.strerror}). Mend that and run again."
        else:
            words = f"The night failed on a {type(error).__name__}; -v shows where. Please report it."
        failed = NightFailed(words)
        _failed(plan, webhook, failed)
        raise failed from error
    incidents.end(plan.home)
    notices.tell_recovery(webhook, plan.home, plan.as_of)


def _failed(plan: Plan, webhook: notices.Webhook | None, error: PathStatsError) -> None:
    incident = incidents.remember(plan.home, incidents.Failure.now(plan.as_of, error))
    notices.tell_failure(webhook, plan.home, incident)
