"""A class of learners who all earned a path, as files that a test spoils in one way."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.columns import polars_schema, table_name
from schemas.home import Home
from schemas.inputs import INPUTS, model_of
from schemas.manifest import Manifest
from tests.reference.rows import Tables
from tests.reference.tables import at, world

FIRST, NEXT = at("10 Mar"), at("11 Mar")


def earned_by(learners: int) -> Tables:
    """Learners 0001, 0002 … of session 101, who finished courses A and B in it."""
    ids = [f"{number:04}" for number in range(1, learners + 1)]
    enrollments = [f"e{id} | {id} | 101 | 1 Mar 08:00" for id in ids]
    activity = [
        f"{id} | {step} | 101 | {day} Mar 09:00 | {day} Mar 09:30 | 600000 | 85"
        for id in ids
        for step, day in (("A", 2), ("B", 3))
    ]
    return world(
        steps="step | min_score \n A | 80 \n B | -",
        sessions="session \n 101",
        enrollments="\n".join(["enrollment | user | session | enrolled", *enrollments]),
        activity="\n".join(["user | step | session | started | completed | time_ms | score", *activity]),
    )


def write(folder: Path, tables: Tables, *, form: str = "csv", without: tuple[str, str] = ("", "")) -> Path:
    """The tables as files of a form. without: a table and the column that its file lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (table_name(model) for model in INPUTS if table_name(model) in tables):
        frame = pl.DataFrame(tables[name], schema=polars_schema(model_of(name)))
        if name == without[0]:
            frame = frame.drop(without[1])
        times = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        file = folder / f"{name}.{form}"
        if form == "parquet":
            frame.write_parquet(file)
        elif form == "ndjson":
            frame.with_columns(times).write_ndjson(file)
        else:
            frame.with_columns(times).write_csv(file)
    return folder


def run(source: Path, home: Path, as_of: datetime = FIRST, **limits: Any) -> Manifest:
    """A run over whole tables with the default thresholds, but for those given."""
    return run_pipeline(RunConfig(source=f"files:{source}", home=Home(home), as_of=as_of, **limits))


def edited(tables: Tables, table: str, **values: Any) -> Tables:
    """The tables with other values in each row of one; a function is applied to the value."""
    rows = [
        {**row, **{name: new(row[name]) if callable(new) else new for name, new in values.items()}}
        for row in tables[table]
    ]
    return {**tables, table: rows}
