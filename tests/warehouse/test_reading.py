"""How text files are read: what is taken as it stands, and what stops the run with file and line."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.sources.base import Extract
from flows.staging import load
from flows.staging.load import Counts
from flows.warehouse.warehouse import Warehouse
from schemas.errors import SourceError
from schemas.inputs import Users

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
HEADER = "company_id,user_id,status,first_name"
SECRET = "Grace Hopper"
Row = tuple[str | None, ...]


def load_users(file: Path) -> tuple[Counts, list[Row]]:
    """The counts of the file, and user_id and first_name of each valid row."""
    with Warehouse.open() as connection:
        counts = load.load(connection, Users, Extract("users", file, AS_OF))
        return counts, connection.rows(
            "SELECT user_id, first_name FROM staging_full_users JOIN user_keys USING (user_key) ORDER BY 1"
        )


def write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    data = content.encode() if isinstance(content, str) else content
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def csv(*lines: str, end: str = "\n") -> str:
    return "".join(line + end for line in (HEADER, *lines))


@pytest.mark.parametrize("name", ["users.csv", "users.csv.gz"])
@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(csv("acme,u1,active,Ada"), [("u1", "Ada")], id="plain"),
        pytest.param(csv("acme,u1,active,Ada").rstrip(), [("u1", "Ada")], id="no line end at the end"),
        pytest.param(b"\xef\xbb\xbf" + csv("acme,u1,active,Ada").encode(), [("u1", "Ada")], id="BOM"),
        pytest.param(csv("acme,u1,active,Ada", end="\r\n"), [("u1", "Ada")], id="CRLF"),
        pytest.param(
            csv("acme,u1,active,Ada", "", "acme,u2,active,", ""),
            [("u1", "Ada"), ("u2", None)],
            id="blank lines",
        ),
        pytest.param(csv('acme,u1,active,""'), [("u1", None)], id="a quoted empty text is missing"),
        pytest.param(csv('acme,u1,active,"Ada, ""Lady"""'), [("u1", 'Ada, "Lady"')], id="comma and quote"),
        pytest.param(csv('acme,u1,active,"Ada\nLady"'), [("u1", "Ada\nLady")], id="line end in quotes"),
        pytest.param(csv("acme,007,active,Ada"), [("007", "Ada")], id="leading zeros stay"),
        pytest.param(csv("acme,NULL,active,NA"), [("NULL", "NA")], id="NULL and NA are texts"),
        pytest.param(csv("acme,u1,active,Zoë 李"), [("u1", "Zoë 李")], id="beyond ASCII"),
        pytest.param(csv("acme, u1 ,active,Ada"), [(" u1 ", "Ada")], id="blanks stay"),
    ],
)
def test_csv_is_taken_as_it_stands(tmp_path: Path, name: str, content: str | bytes, rows: list[Row]) -> None:
    counts, found = load_users(write(tmp_path, name, content))
    assert found == rows
    assert (counts.read, counts.rejected) == (len(rows), 0)


@pytest.mark.parametrize("name", ["users.csv", "users.csv.gz"])
@pytest.mark.parametrize(
    ("content", "output"),
    [
        pytest.param(csv("acme,u1,active"), "line 2: 3 fields, but the header has 4", id="too few"),
        pytest.param(
            csv("acme,u1,active,", f"acme,u2,active,{SECRET},x"),
            "line 3: 5 fields, but the header has 4",
            id="too many",
        ),
        pytest.param(
            csv('acme,u1,active,"a\nb\nc"', "acme,u2,active,x,y"),
            "line 5: 5 fields, but the header has 4",
            id="the line of the file, not of the record",
        ),
        pytest.param(
            csv("acme,u1,active,Ada", f'acme,u2,active,"{SECRET}'),
            "line 3, column first_name: a closing quote",
            id="open quote",
        ),
        pytest.param(
            csv("acme,u1,active,Ada").encode() + b"acme,u2,active,Zo\xeb\n", "not UTF-8 text", id="Latin-1"
        ),
        pytest.param("company_id,user_id,status,user_id\n", "column user_id occurs more", id="column twice"),
        pytest.param("company_id;user_id;status\nacme;u1;active\n", "no comma here", id="semicolons"),
        pytest.param("", "the file is empty", id="no byte"),
        pytest.param("\n\n", "line 1: the line is empty", id="blank header"),
        pytest.param(f"{HEADER}\n", "table users is empty", id="header only"),
        pytest.param("company_id,user_id\nacme,u1\n", "must have column status", id="column missing"),
        pytest.param(
            "USER_ID,company_id,status\nu1,acme,active\n", "must have column user_id", id="capitals"
        ),
    ],
)
def test_a_csv_that_stops_the_run(tmp_path: Path, name: str, content: str | bytes, output: str) -> None:
    file = write(tmp_path, name, content)
    with pytest.raises(SourceError) as raised:
        load_users(file)
    message = str(raised.value)
    assert message.startswith(str(file))
    assert output in message
    assert SECRET not in message
    assert "\n" not in message


def test_unknown_columns_are_ignored_and_named(tmp_path: Path) -> None:
    file = write(tmp_path, "users.csv", "company_id,user_id,status,shoe,shoe,\nacme,u1,active,1,2,3\n")
    counts, found = load_users(file)
    assert found == [("u1", None)]
    assert counts.ignored_columns == ("shoe", "shoe (column 5)", "(column 6)")


def test_a_path_with_wildcards_and_quotes_names_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *?"
    folder.mkdir()
    for name in ("users.csv", "users.ndjson"):
        content = csv("acme,u1,active,Ada") if name.endswith("csv") else ndjson(ADA)
        assert load_users(write(folder, name, content))[1] == [("u1", "Ada")]


ADA = {"company_id": "acme", "user_id": "u1", "status": "active", "first_name": "Ada"}


def ndjson(*rows: object) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["users.ndjson", "users.ndjson.gz"])
@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(ndjson(ADA), [("u1", "Ada")], id="plain"),
        pytest.param(ndjson(ADA).rstrip(), [("u1", "Ada")], id="no line end at the end"),
        pytest.param(
            ndjson(ADA, "", {**ADA, "user_id": "u2"}), [("u1", "Ada"), ("u2", "Ada")], id="blank line"
        ),
        pytest.param(ndjson(ADA).replace("\n", "\r\n"), [("u1", "Ada")], id="CRLF"),
        pytest.param(
            ndjson({"company_id": "acme", "user_id": "u1", "status": "active"}, {**ADA, "user_id": "u2"}),
            [("u1", None), ("u2", "Ada")],
            id="a key missing from the first row",
        ),
        pytest.param(ndjson({**ADA, "first_name": None}), [("u1", None)], id="null"),
        pytest.param(ndjson({**ADA, "first_name": ""}), [("u1", None)], id="an empty text is missing"),
        pytest.param(ndjson({**ADA, "user_id": 7}), [("7", "Ada")], id="a whole number as id"),
        pytest.param(ndjson({**ADA, "first_name": 'A"\n\\ë'}), [("u1", 'A"\n\\ë')], id="escapes"),
    ],
)
def test_ndjson_is_taken_as_it_stands(tmp_path: Path, name: str, content: str, rows: list[Row]) -> None:
    counts, found = load_users(write(tmp_path, name, content))
    assert found == rows
    assert (counts.read, counts.rejected) == (len(rows), 0)


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"user_id": {"a": 1}}, {"bad_type": 1}),
        ({"user_id": ["u1"]}, {"bad_type": 1}),
        ({"user_id": 1.5}, {"bad_type": 1}),
        ({"user_id": True}, {"bad_type": 1}),
        ({"user_id": None}, {"missing_value": 1}),
        ({"status": {"is": "active"}}, {"bad_type": 1}),
        ({"status": "Active"}, {"bad_enum": 1}),
    ],
)
def test_odd_value_in_ndjson_rejects_only_its_row(
    tmp_path: Path, changed: dict[str, object], reasons: dict[str, int]
) -> None:
    file = write(tmp_path, "users.ndjson", ndjson(ADA, {**ADA, "user_id": "u2", **changed}))
    counts, found = load_users(file)
    assert found == [("u1", "Ada")]
    assert counts.reasons == reasons


@pytest.mark.parametrize("name", ["users.ndjson", "users.ndjson.gz"])
@pytest.mark.parametrize(
    ("content", "output"),
    [
        pytest.param(ndjson(ADA, f'{{"first_name": "{SECRET}"'), "line 2: not one complete", id="cut short"),
        pytest.param(ndjson(ADA, "", f"{SECRET}"), "line 3: not one complete", id="no JSON"),
        pytest.param(ndjson(ADA, "[1, 2]"), "line 2: not a JSON object", id="an array"),
        pytest.param(ndjson('{"company_id": "acme"} {"user_id": "u1"}'), "line 1", id="two on a line"),
        pytest.param("", "users", id="no byte"),
        pytest.param(
            ndjson({"company_id": "acme", "user_id": "u1"}), "must have column status", id="no such key"
        ),
        pytest.param(ndjson(ADA).encode() + b'{"first_name": "Zo\xeb"}\n', "line 2: not UTF-8", id="Latin-1"),
    ],
)
def test_ndjson_that_stops_the_run(tmp_path: Path, name: str, content: str | bytes, output: str) -> None:
    file = write(tmp_path, name, content)
    with pytest.raises(SourceError) as raised:
        load_users(file)
    message = str(raised.value)
    assert message.startswith(str(file))
    assert output in message
    assert SECRET not in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["users.csv.gz", "users.ndjson.gz", "users.parquet"])
def test_file_with_content_unlike_its_name_is_an_error(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    for content in (b"", b"company_id,user_id\n"):
        file.write_bytes(content)
        with pytest.raises(SourceError, match=r"damaged|empty|not a parquet file"):
            load_users(file)
