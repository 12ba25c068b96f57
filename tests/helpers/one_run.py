"""A run on a few rows: a sound little world, changed where a test wants it, and the release it makes."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.columns import Table, polars_schema, table_name
from schemas.home import Home, Release
from schemas.inputs import INPUTS
from schemas.manifest import Manifest
from tests.reference.rows import Tables
from tests.reference.tables import world

Row = dict[str, Any]
AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


def small_world() -> Tables:
    """Three learners of `acme` in session S (March 2026) of path P: courses A and B. No row is broken."""
    return world(
        steps="step \n A \n B",
        users="user \n u1 \n u2 \n u3",
        enrollments="enrollment | user \n e1 | u1 \n e2 | u2 \n e3 | u3",
        activity="user | step | completed \n u1 | A | 5 Mar \n u2 | A | 6 Mar \n u2 | B | 7 Mar",
    )


def columns_of(model: type[Table]) -> list[str]:
    return list(model.to_schema().columns)


def as_parquet(folder: Path, tables: Tables) -> Path:
    """The tables as typed parquet files, missing values null."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in (model for model in INPUTS if table_name(model) in tables):
        schema = polars_schema(model)
        frame = pl.DataFrame(tables[table_name(model)], schema=schema)
        frame.write_parquet(folder / f"{table_name(model)}.parquet")
    return folder


def as_ndjson(folder: Path, tables: Tables) -> Path:
    """The tables as NDJSON, where a value may be of any type."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in (model for model in INPUTS if table_name(model) in tables):
        lines = [json.dumps(row, default=datetime.isoformat) for row in tables[table_name(model)]]
        (folder / f"{table_name(model)}.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def run(source: Path | str, home: Path, as_of: datetime = AS_OF, *, limit: float = 1.0) -> Manifest:
    """One run; whatever share of the rows is rejected, unless a limit is given."""
    name = f"files:{source}" if isinstance(source, Path) else source
    return run_pipeline(
        RunConfig(
            source=name,
            home=Home(home),
            as_of=as_of,
            max_rejected=limit,
            allow_shrink=True,
        )
    )


def latest(home: Path) -> Release:
    return Release(Home(home).latest.resolve(strict=True))


def published(home: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(latest(home).table(table))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def assert_complete(release: Release) -> Manifest:
    """The folder contains its manifest and exactly the manifest's files, with their hashes."""
    manifest = Manifest.read(release.manifest)
    assert manifest.release_id == release.folder.name
    found = {release.named(file): sha256(file) for file in release.files() if file != release.manifest}
    assert found == {name: out.sha256 for name, out in manifest.files.items()}
    return manifest
