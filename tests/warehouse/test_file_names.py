"""Names of files and folders are never data, and names of columns can't disturb the reading."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.sources.base import Extract
from flows.staging import load
from flows.warehouse.warehouse import Warehouse
from schemas.inputs import Users

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
ADA = {"company_id": "acme", "user_id": "u1", "status": "active"}


def companies(file: Path) -> list[tuple[str, str]]:
    with Warehouse.open() as connection:
        load.load(connection, Users, Extract("users", file, AS_OF))
        return connection.rows(
            "SELECT company_id, user_id FROM staging_full_users JOIN user_keys USING (user_key) "
            "JOIN company_keys ON company_keys.company_key = staging_full_users.company_key"
        )


def write(folder: Path, ending: str, **more: int) -> Path:
    folder.mkdir(parents=True)
    file = folder / f"users.{ending}"
    frame = pl.DataFrame({name: [value] for name, value in {**ADA, **more}.items()})
    match ending:
        case "parquet":
            frame.write_parquet(file)
        case "csv":
            frame.write_csv(file)
        case _:
            frame.write_ndjson(file)
    return file


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
@pytest.mark.parametrize(
    "folder", ["company_id=other", "user_id=9/date=2026-03-10", "[a-z]*?", "it's", "ä ö"]
)
def test_a_folder_may_have_any_name(tmp_path: Path, ending: str, folder: str) -> None:
    assert companies(write(tmp_path / folder, ending)) == [("acme", "u1")]


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_a_wildcard_in_a_name_reads_no_other_file(tmp_path: Path, ending: str) -> None:
    write(tmp_path / "other", ending)
    assert companies(write(tmp_path / "*", ending)) == [("acme", "u1")]


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
@pytest.mark.parametrize("name", ["file_row_number", "filename", "rowid", "problem", "select"])
def test_a_column_that_duckdb_knows_otherwise_is_ignored_like_any(
    tmp_path: Path, ending: str, name: str
) -> None:
    assert companies(write(tmp_path / "in", ending, **{name: 7})) == [("acme", "u1")]
