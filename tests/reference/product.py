"""The product, asked like the reference: rows in, answer out."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.sources.base import Extract
from flows.warehouse import loading
from flows.warehouse.duck import Duck
from flows.warehouse.world import world
from schemas.columns import table_name
from schemas.inputs import INPUTS
from tests.reference.rows import Tables
from tests.reference.rules import Answer
from transforms.published import statistics


def product(tables: Tables, as_of: datetime) -> Answer:
    """What the warehouse and the transforms make of the rows."""
    with tempfile.TemporaryDirectory() as folder, Duck() as duck:
        loading.start(duck)
        counts = {}
        for model in INPUTS:
            name = table_name(model)
            file = Path(folder) / f"{name}.parquet"
            schema = {column: declared.dtype.type for column, declared in model.to_schema().columns.items()}
            pl.DataFrame(tables.get(name, []), schema=schema).write_parquet(file)
            extract = Extract(name, file, datetime(2026, 1, 1, tzinfo=UTC))
            counts[name] = loading.load(duck, model, extract, run_id="test", as_of=as_of)
            assert counts[name].refused == 0, counts[name]
        loading.accept(duck, counts, max_refused_share=0.0, run_id="test", as_of=as_of)
        answer = statistics(world(duck), as_of)
    return Answer(
        answer.path_session_stats.to_dicts(),
        answer.step_stats.to_dicts(),
        answer.session_summary.to_dicts(),
    )
