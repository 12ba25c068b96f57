"""Fixtures for the tests of runs."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.sources.base import Extract
from flows.staging import load
from flows.staging.surrogate_keys import by_id
from flows.warehouse import step_history
from flows.warehouse.warehouse import Warehouse
from schemas.columns import polars_schema
from schemas.inputs import PathSteps
from tests.helpers.one_run import small_world
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.tables import at, expect, read

AS_OF = at("10 Mar")
History = Callable[..., None]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Check what a new warehouse has after extractions: (day, rows), or (day, rows, `changes`)."""
    numbers = itertools.count()
    with Warehouse.open() as connection:
        types = {**load.stored_types(PathSteps), step_history.DATED_HERE: "BOOLEAN"}
        connection.execute(
            f"CREATE TABLE path_steps ({', '.join(f'{name} {it}' for name, it in types.items())})"
        )

        def check(*extractions: tuple[str, ...], then: str) -> None:
            for day, rows, *words in extractions:
                is_full = not words
                file = tmp_path / f"{next(numbers)}.parquet"
                steps = [{"position": 0, **row} for row in read("path_steps", rows)]
                pl.DataFrame(steps, schema=polars_schema(PathSteps)).write_parquet(file)
                load.load(connection, PathSteps, Extract("path_steps", file, at(day), is_full))
                load.drop_row_numbers(connection, PathSteps, is_full=is_full)
                delivered = load.staging_table(PathSteps, is_full=is_full)
                versions = step_history.dated(
                    PathSteps, delivered, "path_steps", "path_steps", at(day), is_full=is_full
                )
                connection.execute(f"CREATE OR REPLACE TABLE versions AS {versions}")
                connection.execute("CREATE OR REPLACE TABLE path_steps AS FROM versions")
            found = connection.frame(
                f"SELECT * FROM ({by_id(PathSteps, 'path_steps')}) "
                "ORDER BY path_id, step_id, valid_from NULLS FIRST, valid_to"
            )
            expect(found.to_dicts(), then)

        yield check


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """A warehouse with the small world, extracted on 10 March."""
    with Warehouse.open() as connection:
        runs = Runs(tmp_path, connection)
        runs.accept([Delivery(table, rows, AS_OF) for table, rows in small_world().items()], AS_OF)
        yield runs
