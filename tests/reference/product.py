"""The product, asked like the reference: rows in, answer out."""

import tempfile
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.compute.rule_inputs import Worlds
from flows.database.connection import Duck
from flows.sources.base import Extract
from flows.staging import load
from flows.warehouse import merge
from flows.warehouse.merge import Arrival
from flows.warehouse.thresholds import NO_LIMITS
from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS, OPTIONAL
from tests.reference.rows import Tables
from tests.reference.rules import Answer
from transforms.published_columns import statistics
from transforms.session_summary import session_summary


def product(tables: Tables, as_of: datetime) -> Answer:
    """What the warehouse and the transforms make of the rows."""
    with Duck() as duck:
        take_in(duck, tables, as_of)
        return answer(duck, as_of)


def take_in(duck: Duck, tables: Tables, as_of: datetime) -> None:
    """Let an empty warehouse hold the rows."""
    with tempfile.TemporaryDirectory() as folder:
        load.start(duck)
        merge.start(duck)
        arrivals = []
        for model in (model for model in INPUTS if model not in OPTIONAL or table_name(model) in tables):
            name = table_name(model)
            file = Path(folder) / f"{name}.parquet"
            schema = polars_schema(model)
            pl.DataFrame(tables.get(name, []), schema=schema).write_parquet(file)
            extract = Extract(name, file, datetime(2026, 1, 1, tzinfo=UTC))
            arrivals.append(Arrival(extract, load.load(duck, model, extract)))
            assert arrivals[-1].counts.refused == 0, arrivals[-1]
        merge.accept(duck, arrivals, limits=NO_LIMITS, run_id="test", as_of=as_of)


def answer(duck: Duck, as_of: datetime) -> Answer:
    """What the transforms make of what the warehouse holds."""
    found = Answer([], [], [])
    for bucket in Worlds(duck, as_of):
        of_bucket = statistics(bucket.world)
        found.path_session_stats.extend(of_bucket.path_session_stats.to_dicts())
        found.step_stats.extend(of_bucket.step_stats.to_dicts())
        found.session_summary.extend(
            session_summary(bucket.world.sessions, of_bucket.path_session_stats).to_dicts()
        )
    return found


class Remembering:
    """The product for tests that ask about several days: it takes the same rows in once."""

    def __init__(self) -> None:
        self._tables: Tables = {}
        self._duck = Duck()

    def __call__(self, tables: Tables, as_of: datetime) -> Answer:
        if tables != self._tables:
            self._duck.__exit__()
            self._duck, self._tables = Duck(), deepcopy(tables)
            take_in(self._duck, tables, as_of)
        return answer(self._duck, as_of)


def attempts(tables: Tables, as_of: datetime) -> list[dict[str, Any]]:
    """The rows of Attempts that the transforms make of the rows."""
    with Duck() as duck:
        take_in(duck, tables, as_of)
        return [row for it in Worlds(duck, as_of) for row in statistics(it.world).attempts.to_dicts()]
