"""The demo's company as a platform: served, and directly, as the same tables in files."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.compute.rule_inputs import PartReader
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.sources.base import EMPTY_WAREHOUSE, Extract
from flows.sources.learning360 import Learning360
from flows.sources.learning360.settings import Settings
from flows.staging import load
from flows.warehouse import merge
from flows.warehouse.merge import StagedExtract
from flows.warehouse.release_base import changes_since
from flows.warehouse.thresholds import NO_THRESHOLDS
from flows.warehouse.warehouse import Warehouse
from sandbox import demo_values
from sandbox.app import Sandbox
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from sandbox.server import serving
from sandbox.valid_tables import Tables, stored_rows
from sandbox.webhooks import SUBSCRIPTION
from schemas.columns import table_name
from schemas.home import Home
from schemas.inputs import INPUTS
from schemas.manifest import Manifest
from tests.helpers.one_run import latest
from transforms import evaluate
from transforms.session_summary import session_summary

DAY_1, DAY_2 = datetime(2026, 3, 10, 2, tzinfo=UTC), datetime(2026, 3, 11, 2, tzinfo=UTC)
COMPANY = "northwind-academy"
PUBLISHED = ("path_session_stats", "step_stats", "session_summary")
SOURCE = "360learning"
Frames = dict[str, pl.DataFrame]


def world(day: datetime) -> Tables:
    """The demo's rows of that day."""
    return demo_values.world("demo:learners=200", day)


def some_paths(tables: Tables, *names: str) -> Tables:
    """The rows of a world that belong to these paths; all users stay."""
    paths = tables["paths"].filter(pl.col("name").is_in(names))
    sessions = tables["path_sessions"].join(paths, on="path_id", how="semi")
    steps = tables["path_steps"].join(paths, on="path_id", how="semi")
    return tables | {
        "paths": paths,
        "path_steps": steps,
        "path_sessions": sessions,
        "enrollments": tables["enrollments"].join(sessions, on="session_id", how="semi"),
        "step_activity": tables["step_activity"].join(steps, on="step_id", how="semi"),
    }


def settings(url: str) -> dict[str, Any]:
    return {
        "base_url": url,
        "company_id": COMPANY,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "subscription": SUBSCRIPTION,
        "requests_per_second": 50,
    }


@contextmanager
def served(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """The environment in which the source reads the platform; it answers as often as it is asked."""
    with serving(sandbox.app()) as url:
        yield {f"PATHSTATS_360LEARNING_{name.upper()}": str(it) for name, it in settings(url).items()}


def extracted(url: str, folder: Path, company: str = COMPANY) -> Frames:
    """The tables that the source makes of the platform, each sorted, without the ids that it makes up."""
    (folder / "extracts").mkdir(parents=True)
    source = Learning360(Settings(**settings(url) | {"company_id": company}))
    items = source.extract(folder / "extracts", DAY_1, EMPTY_WAREHOUSE)
    extracts = [item for item in items if isinstance(item, Extract)]
    assert all(item.is_full for item in extracts)
    return comparable(stored_rows(extracts, DAY_1))


def comparable(tables: Tables) -> Frames:
    """Sorted; activity by its content, because the source makes some of its ids; with the defaults."""
    steps = tables["path_steps"].with_columns(pl.col("due_basis").fill_null("enrollment"))
    frames = {
        name: rows.drop("activity_id", strict=False)
        for name, rows in (tables | {"path_steps": steps}).items()
    }
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


def directly(tables: Tables, as_of: datetime, folder: Path) -> Frames:
    """The results of the rules for the tables, computed directly and not published."""
    arrivals = []
    with Warehouse.open() as connection:
        for model in INPUTS:
            file = folder / f"{table_name(model)}.parquet"
            tables[table_name(model)].write_parquet(file)
            extract = Extract(table_name(model), file, as_of)
            arrivals.append(StagedExtract(extract, load.load(connection, model, extract)))
        merge.merge(connection, arrivals, thresholds=NO_THRESHOLDS, run_id="test", as_of=as_of)
        (part,) = PartReader(connection, as_of, changes_since(connection, None)[0])
        found = evaluate.statistics(part.inputs)
        summary = session_summary(part.inputs.sessions, found.path_session_stats)
    rows = (found.path_session_stats, found.step_stats, summary)
    return dict(zip(PUBLISHED, rows, strict=True))


def run(source: str, home: Path, as_of: datetime = DAY_1) -> Manifest:
    return run_pipeline(RunConfig(source=source, home=Home(home), as_of=as_of, **NO_THRESHOLDS.model_dump()))


def statistics(home: Path) -> Frames:
    return {table: pl.read_parquet(latest(home).table(table)) for table in PUBLISHED}


def differing(found: Frames, expected: Frames) -> list[str]:
    """The tables that differ, and in which columns."""
    lines = []
    for table, rows in expected.items():
        if found[table].height != rows.height:
            lines.append(f"{table}: {found[table].height} rows, expected {rows.height}")
            continue
        apart = {name: found[table][name].ne_missing(rows[name]).sum() for name in rows.columns}
        lines += [f"{table}.{name}: {count} rows" for name, count in apart.items() if count]
    return lines
