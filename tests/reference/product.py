"""The product, asked like the reference: rows in, answer out."""

import tempfile
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.compute.rule_inputs import PartReader
from flows.database.connection import Connection
from flows.sources.base import Extract
from flows.staging import load
from flows.warehouse import merge
from flows.warehouse.merge import StagedExtract
from flows.warehouse.release_base import changes_since
from flows.warehouse.thresholds import NO_THRESHOLDS
from flows.warehouse.warehouse import Warehouse
from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS, OPTIONAL
from tests.reference.rows import Tables
from tests.reference.rules import Answer
from transforms.evaluate import statistics
from transforms.session_summary import session_summary


def product(tables: Tables, as_of: datetime) -> Answer:
    """The results of warehouse and transforms for the rows."""
    with Warehouse.open() as connection:
        take_in(connection, tables, as_of)
        return answer(connection, as_of)


def take_in(connection: Connection, tables: Tables, as_of: datetime) -> None:
    """Merge the rows into an empty warehouse."""
    with tempfile.TemporaryDirectory() as folder:
        arrivals = []
        for model in (model for model in INPUTS if model not in OPTIONAL or table_name(model) in tables):
            name = table_name(model)
            file = Path(folder) / f"{name}.parquet"
            schema = polars_schema(model)
            pl.DataFrame(tables.get(name, []), schema=schema).write_parquet(file)
            extract = Extract(name, file, datetime(2026, 1, 1, tzinfo=UTC))
            arrivals.append(StagedExtract(extract, load.load(connection, model, extract)))
            assert arrivals[-1].counts.rejected == 0, arrivals[-1]
        merge.merge(connection, arrivals, thresholds=NO_THRESHOLDS, run_id="test", as_of=as_of)


def parts(connection: Connection, as_of: datetime) -> PartReader:
    """The rule inputs of all rows in the warehouse."""
    return PartReader(connection, as_of, changes_since(connection, None)[0])


def answer(connection: Connection, as_of: datetime) -> Answer:
    """The results of the transforms for the rows in the warehouse."""
    found = Answer([], [], [])
    for part in parts(connection, as_of):
        of_part = statistics(part.inputs)
        found.path_session_stats.extend(of_part.path_session_stats.to_dicts())
        found.step_stats.extend(of_part.step_stats.to_dicts())
        found.session_summary.extend(
            session_summary(part.inputs.sessions, of_part.path_session_stats).to_dicts()
        )
    return found


class Remembering:
    """The product for tests that ask about several days: it takes the same rows in once."""

    def __init__(self) -> None:
        self._tables: Tables = {}
        self._duck = Warehouse.open()

    def __call__(self, tables: Tables, as_of: datetime) -> Answer:
        if tables != self._tables:
            self._duck.__exit__()
            self._duck, self._tables = Warehouse.open(), deepcopy(tables)
            take_in(self._duck, tables, as_of)
        return answer(self._duck, as_of)


def attempts(tables: Tables, as_of: datetime) -> list[dict[str, Any]]:
    """The rows of Attempts that the transforms make of the rows."""
    with Warehouse.open() as connection:
        take_in(connection, tables, as_of)
        return [row for it in parts(connection, as_of) for row in statistics(it.inputs).attempts.to_dicts()]
