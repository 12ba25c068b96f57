"""The product, asked like the reference: rows in, answer out."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.sources.base import Extract
from flows.warehouse import accepting, loading
from flows.warehouse.accepting import NO_LIMITS, Arrival
from flows.warehouse.duck import Duck
from flows.warehouse.worlds import Worlds
from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS
from tests.reference.rows import Tables
from tests.reference.rules import Answer
from transforms.published import statistics
from transforms.session_summary import session_summary


def product(tables: Tables, as_of: datetime) -> Answer:
    """What the warehouse and the transforms make of the rows."""
    with tempfile.TemporaryDirectory() as folder, Duck() as duck:
        loading.start(duck)
        accepting.start(duck)
        arrivals = []
        for model in INPUTS:
            name = table_name(model)
            file = Path(folder) / f"{name}.parquet"
            schema = polars_schema(model)
            pl.DataFrame(tables.get(name, []), schema=schema).write_parquet(file)
            extract = Extract(name, file, datetime(2026, 1, 1, tzinfo=UTC))
            arrivals.append(Arrival(extract, loading.load(duck, model, extract)))
            assert arrivals[-1].counts.refused == 0, arrivals[-1]
        accepting.accept(duck, arrivals, limits=NO_LIMITS, run_id="test", as_of=as_of)
        answer = Answer([], [], [])
        for bucket in Worlds(duck, as_of):
            found = statistics(bucket.world)
            answer.path_session_stats.extend(found.path_session_stats.to_dicts())
            answer.step_stats.extend(found.step_stats.to_dicts())
            answer.session_summary.extend(
                session_summary(bucket.world.sessions, found.path_session_stats).to_dicts()
            )
    return answer
