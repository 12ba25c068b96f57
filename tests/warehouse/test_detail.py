"""`detail` quotes the offending value, its type and its place, and never an e-mail or a name."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.sources.base import Extract
from flows.staging import load
from flows.warehouse.warehouse import Warehouse
from schemas.inputs import Users, model_of

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
USER = {"company_id": "acme", "user_id": "u1", "status": "active", "first_name": "Ada"}
ATTEMPT = {
    "company_id": "acme",
    "activity_id": "a1",
    "user_id": "u1",
    "step_id": "A",
    "started_at": "2026-03-02T09:00:00Z",
    "last_activity_at": "2026-03-02T10:00:00Z",
    "progress": 100,
    "score": 85,
    "time_spent_ms": 0,
}


def rejected(file: Path) -> list[str]:
    """Each rejected row as `reason: detail`, in the file's order."""
    table = file.name.partition(".")[0]
    with Warehouse.open() as connection:
        load.load(connection, model_of(table), Extract(table, file, AS_OF))
        return [
            f"{it[0]}: {it[1]}"
            for it in connection.rows("SELECT reason, detail FROM rejected ORDER BY row_in_file")
        ]


def ndjson(folder: Path, table: str, *rows: dict[str, Any]) -> Path:
    file = folder / f"{table}.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def parquet(folder: Path, table: str, *rows: dict[str, Any]) -> Path:
    file = folder / f"{table}.parquet"
    pl.DataFrame(rows, strict=False).write_parquet(file)
    return file


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "users.csv"
    file.write_text("\n".join(("company_id,user_id,status,first_name", *lines)) + "\n", "utf-8")
    return file


def test_the_line_of_a_csv_is_where_its_record_begins(tmp_path: Path) -> None:
    lines = ('acme,u1,active,"Ada', "", 'Lady"', "acme,u2,asleep,Ann", "", "acme,u3,gone,Bob")
    assert rejected(csv(tmp_path, *lines)) == [
        'bad_enum: status is not one of active, invited, deleted: "asleep" (line 5)',
        'bad_enum: status is not one of active, invited, deleted: "gone" (line 7)',
    ]
    [plain] = rejected(csv(tmp_path, "acme,u1,active,Ada", "acme,u2,asleep,Ann"))
    assert plain.endswith('"asleep" (line 3)')


def test_the_line_of_ndjson_counts_blank_lines(tmp_path: Path) -> None:
    file = ndjson(tmp_path, "step_activity", ATTEMPT, {**ATTEMPT, "score": 115})
    assert rejected(file)[0].startswith("out_of_range: score is not between 0 and 100: 115")
    assert rejected(file)[0].endswith("(line 2)")
    file.write_text("\n \n" + file.read_text())
    assert rejected(file)[0].endswith("(line 4)")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("user_id", 1.5, "bad_type: user_id is not a text: 1.5, DOUBLE (row 1)"),
        ("user_id", True, "bad_type: user_id is not a text: true, BOOLEAN (row 1)"),
        ("user_id", [7], "bad_type: user_id is not a text: [7], BIGINT[] (row 1)"),
        ("user_id", b"\xff", "bad_type: user_id is not a text, BINARY (row 1)"),
        (
            "started_at",
            AS_OF.replace(tzinfo=None),
            "naive_time: started_at has no time zone: 2026-03-10 00:00:00, TIMESTAMP (row 1)",
        ),
    ],
)
def test_the_type_found_in_parquet_is_named(tmp_path: Path, column: str, value: Any, words: str) -> None:
    assert rejected(parquet(tmp_path, "step_activity", {**ATTEMPT, column: value})) == [words]


def test_times_in_the_wrong_order_are_both_quoted(tmp_path: Path) -> None:
    [detail] = rejected(
        ndjson(tmp_path, "step_activity", {**ATTEMPT, "completed_at": "2026-03-01T08:00:00Z"})
    )
    assert detail == (
        "time_order: completed_at is before started_at: "
        "2026-03-01 08:00:00+00 and 2026-03-02 09:00:00+00 (line 1)"
    )


@pytest.mark.parametrize("writer", [ndjson, parquet])
@pytest.mark.parametrize(
    "value", ["\x1b[2J\x1b]0;x\x07", "a\nb\r\u2028c", "\u202egnp.exe", "\x7f\x9b31m", "x" * 10_000_000]
)
def test_a_value_is_quoted_short_and_on_one_line(tmp_path: Path, writer: Any, value: str) -> None:
    [detail] = rejected(writer(tmp_path, "users", {**USER, "status": value}))
    assert detail.isprintable()
    assert len(detail) < 150


@pytest.mark.parametrize("writer", [ndjson, parquet])
@pytest.mark.parametrize("column", ["email", "first_name", "last_name"])
@pytest.mark.parametrize("value", [["Lovelace"], {"is": "Lovelace"}, "Lovelace\0"])
def test_e_mails_and_names_are_never_quoted(tmp_path: Path, writer: Any, column: str, value: Any) -> None:
    [detail] = rejected(writer(tmp_path, "users", {**USER, column: value}))
    assert detail.startswith(f"bad_type: {column} ")
    assert "Lovelace" not in detail


def test_an_e_mail_in_another_column_is_not_quoted(tmp_path: Path) -> None:
    assert rejected(csv(tmp_path, "acme,u1,ada@example.org,active")) == [
        "bad_enum: status is not one of active, invited, deleted: a value with @ (line 2)"
    ]


@pytest.mark.parametrize("table", ["users", "step_activity"])
def test_a_nul_in_a_text_rejects_its_row_only(tmp_path: Path, table: str) -> None:
    sound: dict[str, Any] = USER if table == "users" else ATTEMPT
    name = "user_id" if table == "users" else "activity_id"
    rows = [sound, {**sound, "company_id": "ac\0me"}, {**sound, name: "a\0b"}]
    for file in (ndjson(tmp_path, table, *rows), parquet(tmp_path, table, *rows)):
        first, second = rejected(file)
        assert first.startswith('bad_type: company_id contains a NUL character: "ac\\u0000me" (')
        assert second.startswith(f'bad_type: {name} contains a NUL character: "a\\u0000b" (')
    if table == "users":
        [detail] = rejected(csv(tmp_path, "acme,u1,active,Ada", "acme,u\0002,active,Ann"))
        assert detail == 'bad_type: user_id contains a NUL character: "u\\u00002" (line 3)'


def test_keys_in_quarantine_contain_no_nul(tmp_path: Path) -> None:
    with Warehouse.open() as connection:
        file = ndjson(tmp_path, "users", {**USER, "user_id": "a\0b"})
        load.load(connection, Users, Extract("users", file, AS_OF))
        [(key, row)] = connection.rows('SELECT "key", row FROM rejected')
    assert key == "acme/a\\0b"
    assert json.loads(row)["user_id"] == "a\0b"


def test_lines_are_found_for_the_last_of_many_rows(tmp_path: Path) -> None:
    rows = [{**ATTEMPT, "activity_id": f"a{number}"} for number in range(3_000)]
    rows[-1]["progress"] = 101
    [detail] = rejected(ndjson(tmp_path, "step_activity", *rows))
    assert detail.endswith("101 (line 3000)")
