"""Tables as folders of parquet files, and times with a zone that only the writer declares."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.sources.base import Extract
from flows.staging import load
from flows.staging.load import Counts
from flows.warehouse.warehouse import Warehouse
from schemas.errors import SourceError
from schemas.inputs import Enrollments, Users

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def users(*names: str, **more: Any) -> pl.DataFrame:
    return pl.DataFrame(
        [{"company_id": "acme", "user_id": name, "status": "active", **more} for name in names]
    )


def load_users(file: Path) -> tuple[Counts, list[tuple[str, str | None]], list[str]]:
    """The counts, user_id and first_name of the stored rows, and the details of the rejected ones."""
    with Warehouse.open() as connection:
        counts = load.load(connection, Users, Extract("users", file, AS_OF))
        stored = (
            "SELECT user_id, first_name FROM staging_full_users JOIN user_keys USING (user_key) ORDER BY 1"
        )
        details = connection.rows("SELECT detail FROM rejected ORDER BY row_in_file")
        return counts, connection.rows(stored), [detail for (detail,) in details]


def parts(folder: Path, *frames: pl.DataFrame) -> Path:
    """A table as Spark writes it."""
    table = folder / "users.parquet"
    table.mkdir()
    for number, frame in enumerate(frames):
        frame.write_parquet(table / f"part-{number:05}-8a1f-c000.snappy.parquet")
        (table / f".part-{number:05}-8a1f-c000.snappy.parquet.crc").write_bytes(b"crc")
    for name in ("_SUCCESS", "._SUCCESS.crc", "_metadata"):
        (table / name).touch()
    return table


def test_parts_are_one_table(tmp_path: Path) -> None:
    table = parts(tmp_path, users(), users("u1", "u2"), users(), users("u3"))
    (table / "part-00000-8a1f-c000.snappy.parquet").unlink()
    counts, stored, _ = load_users(table)
    assert stored == [("u1", None), ("u2", None), ("u3", None)]
    assert (counts.read, counts.stored) == (3, 3)


def test_a_rejected_row_is_named_by_its_part_and_its_row_there(tmp_path: Path) -> None:
    empty = users("u0").clear()
    ghost = users("u3", "ghost").with_columns(status=pl.Series(["active", "ghost"]))
    table = parts(tmp_path, empty, users("u1", "u2"), ghost)
    [detail] = load_users(table)[2]
    assert detail.endswith('"ghost" (row 2 of part-00002-8a1f-c000.snappy.parquet)')


def test_the_same_row_in_two_parts_is_a_duplicate(tmp_path: Path) -> None:
    counts, stored, _ = load_users(parts(tmp_path, users("u1", "u2"), users("u2")))
    assert [name for name, _ in stored] == ["u1", "u2"]
    assert (counts.read, counts.deduplicated) == (3, 1)


def test_a_column_may_be_null_or_absent_in_some_parts(tmp_path: Path) -> None:
    """pandas writes a column of nulls alone with no type; Spark's older parts lack newer columns."""
    table = parts(tmp_path, users("u1", first_name=None), users("u2", first_name="Ada"), users("u3"))
    assert load_users(table)[1] == [("u1", None), ("u2", "Ada"), ("u3", None)]


def test_parts_of_different_types_are_one_clear_error(tmp_path: Path) -> None:
    numbers = users("7").with_columns(user_id=pl.lit(7))
    with pytest.raises(
        SourceError, match=r"column user_id is String in part-00000.* and INT32 in part-00001"
    ):
        load_users(parts(tmp_path, users("u1"), numbers))


@pytest.mark.parametrize(
    ("entry", "output"),
    [
        ("_delta_log", "Delta table"),
        ("_temporary", "still being written"),
        ("date=2026-03-01", "contains the folder date=2026-03-01"),
        ("more", "contains the folder more"),
    ],
)
def test_a_folder_that_is_more_or_less_than_one_table(tmp_path: Path, entry: str, output: str) -> None:
    table = parts(tmp_path, users("u1"))
    (table / entry).mkdir()
    with pytest.raises(SourceError, match=output):
        load_users(table)


def test_a_folder_without_a_part_and_a_part_that_is_cut_off(tmp_path: Path) -> None:
    table = parts(tmp_path)
    with pytest.raises(SourceError, match="contains no parquet file"):
        load_users(table)
    (table / "part-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"part-1\.parquet: not a parquet file"):
        load_users(table)


def test_two_columns_that_differ_in_case_only(tmp_path: Path) -> None:
    users("u1", USER_ID="x").write_parquet(tmp_path / "users.parquet")
    with pytest.raises(SourceError, match="user_id and USER_ID differ only in case"):
        load_users(tmp_path / "users.parquet")


def enrolled(folder: Path, zone: str | None, metadata: dict[bytes, bytes] | None = None) -> tuple[Any, str]:
    """(enrolled_at, detail) of an enrollment with an INT96 time, as its writer's notes declare it."""
    time = pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us", zone))
    texts = {name: pa.array(["x"]) for name in ("company_id", "enrollment_id", "session_id", "user_id")}
    table = pa.table(texts | {"enrolled_at": time})
    file = folder / "enrollments.parquet"
    with pq.ParquetWriter(
        file, table.schema, use_deprecated_int96_timestamps=True, store_schema=metadata is None
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata or {})
    with Warehouse.open() as connection:
        load.load(connection, Enrollments, Extract("enrollments", file, AS_OF))
        stored, rejected = (
            connection.rows("SELECT enrolled_at FROM staging_full_enrollments"),
            connection.rows("FROM rejected"),
        )
        return (stored[0][0], "") if stored else (None, f"{rejected[0][2]}: {rejected[0][3]}")


def spark(kind: str) -> dict[bytes, bytes]:
    """The notes of a file that Spark 3 or 4 writes: https://github.com/apache/spark, ParquetWriteSupport."""
    fields = [{"name": "enrolled_at", "type": kind, "nullable": True, "metadata": {}}]
    schema = json.dumps({"type": "struct", "fields": fields})
    return {
        b"org.apache.spark.version": b"3.5.1",
        b"org.apache.spark.sql.parquet.row.metadata": schema.encode(),
    }


def test_int96_is_read_where_the_writer_declares_instants(tmp_path: Path) -> None:
    assert enrolled(tmp_path, "UTC") == (NOON, "")
    assert enrolled(tmp_path, None, spark("timestamp")) == (NOON, "")


@pytest.mark.parametrize("metadata", [None, {}, spark("timestamp_ntz")])
def test_int96_of_other_writers_has_no_zone(tmp_path: Path, metadata: dict[bytes, bytes] | None) -> None:
    detail = "enrolled_at has no time zone: 2026-03-01 12:00:00, INT96 (row 1)"
    assert enrolled(tmp_path, None, metadata) == (None, f"naive_time: {detail}")
