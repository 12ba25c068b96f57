"""Whatever happened in earlier runs, a release equals a full refresh."""

import operator
import os
import random
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flows.release.publish import switch_latest
from flows.warehouse.thresholds import NO_THRESHOLDS
from flows.warehouse.warehouse import Warehouse
from schemas.columns import table_name
from schemas.errors import RunBlocked
from schemas.home import Home
from schemas.inputs import INPUTS, model_of
from schemas.outputs import StatusChanges
from tests.helpers.expected_changes import edited_in, expected_changes
from tests.helpers.full_recompute import assert_like_recomputed
from tests.helpers.random_edits import (
    DATED,
    DATINGS,
    FAMILIES,
    PLAIN,
    Kind,
    WarehouseState,
    dated,
    deliveries,
    key_of,
)
from tests.helpers.random_worlds import INSTANTS
from tests.helpers.warehouse_runs import Delivery, Row, Runs
from tests.reference.comparing import differences
from tests.reference.rows import Tables
from tests.reference.rules import Answer, reference

GUARDED = NO_THRESHOLDS.model_copy(update={"allow_shrink": False, "max_shrink": 0.0})


few = settings(
    max_examples=4,
    deadline=None,
    # Such a sequence can't be shrunk: its seed determines everything.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@few
@given(
    seed=st.integers(0, 2**32),
    companies=st.integers(1, 12),
    runs=st.integers(3, 5),
    dating=st.sampled_from(DATINGS),
)
def test_release_after_any_sequence_of_runs_equals_a_full_refresh(
    seed: int, companies: int, runs: int, dating: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, Warehouse.open() as connection:
        spend(Runs(Path(folder), connection), random.Random(seed), PLAIN, companies, runs, dating)


@settings(few, max_examples=2)
@given(
    seed=st.integers(0, 2**32),
    companies=st.integers(2, 6),
    runs=st.integers(3, 4),
    dating=st.sampled_from(DATINGS),
)
def test_release_with_sub_paths_and_waivers_equals_a_full_refresh(
    seed: int, companies: int, runs: int, dating: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, Warehouse.open() as connection:
        spend(Runs(Path(folder), connection), random.Random(seed), FAMILIES, companies, runs, dating)


def spend(runs: Runs, chance: random.Random, kind: Kind, companies: int, count: int, dating: str) -> None:
    names = [f"company {number}" for number in range(companies)]
    present = first_held(chance, kind, names, dating)
    as_of, taken_at = INSTANTS[4], INSTANTS[2]
    runs.accept([Delivery(t, list(present[t].values()), taken_at) for t in present], as_of)
    runs.publish(as_of)
    states = [runs.stored()]
    published_after = {runs.latest.release_id: 0}
    for _ in range(count):
        as_of, taken_at = soon(chance, as_of), soon(chance, taken_at)
        fate = chance.choice(("published",) * 4 + ("blocked", "failed", "killed", "rolled back"))
        before = dict(present)
        delivered = list(deliveries(chance, kind, present, names, dating, taken_at))
        try:
            runs.accept(delivered, as_of, GUARDED if fate == "blocked" else NO_THRESHOLDS)
        except RunBlocked:
            present.update(before)
            assert runs.stored() == states[-1]
            continue
        states += [whole_tables_alone(states[-1], delivered), runs.stored()]
        assert_holds(states[-1], present, dating)
        if fate == "rolled back":
            switch_latest(runs.home, chance.choice(list(published_after)))
        if fate == "failed":
            continue
        last, old = runs.latest, published(runs.home)
        runs.publish(as_of, is_killed=fate == "killed")
        if fate == "killed":
            assert published(runs.home) == old
            continue
        assert_like_recomputed(runs, as_of)
        found = published(runs.home)
        assert not differences(found, reference(states[-1], as_of))
        edited = edited_in(states[published_after[last.release_id] :])
        since = datetime.fromisoformat(last.as_of)
        assert_changes(runs.home, expected_changes(old.path_session_stats, states[-1], edited, since, as_of))
        published_after[runs.latest.release_id] = len(states) - 1


def first_held(chance: random.Random, kind: Kind, companies: list[str], dating: str) -> WarehouseState:
    present: WarehouseState = {table: {} for table in kind.keys}
    for company in companies:
        for table, rows in kind.company(chance, company).items():
            every = [dated(chance, table, row, dating) for row in rows]
            present[table].update({key_of(table, row): row for row in every})
    return present


def soon(chance: random.Random, before: datetime) -> datetime:
    """The same instant, a later one mostly, or an earlier one."""
    place = INSTANTS.index(before) + chance.choice((0, 0, 1, 1, 1, 1, 2, -1, -3))
    return INSTANTS[max(0, min(place, len(INSTANTS) - 1))]


def whole_tables_alone(before: Tables, delivered: list[Delivery]) -> Tables:
    """The state of the warehouse for a moment, before the changes of the same run, which may undo it."""
    came = {it.table: it.rows for it in delivered if it.is_full and it.table not in DATED}
    return {**before, **{table: [as_stored(table, row) for row in rows] for table, rows in came.items()}}


def as_stored(table: str, row: Row) -> Row:
    """The row with the contract's defaults."""
    declared = model_of(table).to_schema().columns
    defaults = {name: (column.metadata or {}).get("default") for name, column in declared.items()}
    return {name: defaults[name] if value is None else value for name, value in row.items()}


def assert_holds(stored: dict[str, list[Row]], present: WarehouseState, dating: str) -> None:
    """The warehouse has what an upsert by key gives."""
    for model in INPUTS:
        table = table_name(model)
        if table not in present or (table in DATED and dating != "by the source"):
            continue
        expected = {key: as_stored(table, row) for key, row in present[table].items()}
        assert {key_of(table, row): row for row in stored[table]} == expected, table
        assert len(stored[table]) == len(expected)


def assert_changes(home: Home, expected: Iterable[Row]) -> None:
    found = pl.read_parquet(home.latest / "status_changes.parquet").to_dicts()
    by_key = operator.itemgetter(*StatusChanges.Config.metadata["key"])
    assert found == sorted(expected, key=by_key)


def published(home: Home) -> Answer:
    return Answer(
        *(
            pl.read_parquet(home.latest / f"{table}.parquet").to_dicts()
            for table in ("path_session_stats", "step_stats", "session_summary")
        )
    )
