"""Files made to exhaust or crash their readers: a clear error with the limit, in bounded time and memory."""

import gzip
import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.sources.base import Extract
from flows.staging import load
from flows.staging.load import Counts
from flows.warehouse.warehouse import Warehouse
from pathstats.cli.main import app
from schemas.errors import SourceError
from schemas.inputs import Users
from tests.helpers.one_run import as_ndjson, small_world

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
ROW = '{"company_id": "acme", "user_id": "u1", "status": "active"'
HEADER = "company_id,user_id,status,notes"


def load_users(file: Path) -> Counts:
    with Warehouse.open() as connection:
        return load.load(connection, Users, Extract("users", file, AS_OF))


def write(folder: Path, name: str, *chunks: bytes) -> Path:
    file = folder / name
    with gzip.open(file, "wb", compresslevel=1) if name.endswith(".gz") else file.open("wb") as stream:
        for chunk in chunks:
            stream.write(chunk)
    return file


@pytest.mark.parametrize("key", ["status", "notes", "first_name"])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_value_nested_a_million_levels_deep(tmp_path: Path, key: str, brackets: str) -> None:
    opening = brackets[0] if brackets == "[]" else '{"a":'
    deep = f'{ROW}}}\n{ROW}, "{key}": {opening * 1_000_000}1{brackets[1] * 1_000_000}}}\n'
    file = write(tmp_path, "users.ndjson", deep.encode())
    with pytest.raises(SourceError, match=r"users\.ndjson, line 2: .* nested more than 1,000 levels"):
        load_users(file)


def test_many_brackets_side_by_side_are_not_deep(tmp_path: Path) -> None:
    file = write(tmp_path, "users.ndjson", f'{ROW}, "notes": [{"[],{}," * 5_000}0]}}\n'.encode())
    assert load_users(file).stored == 1


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "ndjson", "ndjson.gz"])
def test_a_field_of_50_mb(tmp_path: Path, ending: str) -> None:
    field, limit = b"x" * 50_000_000, "2 MB" if "csv" in ending else "17 MB"
    if "csv" in ending:
        parts = (f"{HEADER}\nacme,u0,active,\nacme,u1,active,".encode(), field, b"\n")
    else:
        parts = (f'{ROW}}}\n\n{ROW}, "notes": "'.encode(), field, b'"}\n')
    with pytest.raises(SourceError, match=rf"line 3: longer than {limit}, the limit; column notes"):
        load_users(write(tmp_path, f"users.{ending}", *parts))


@pytest.mark.parametrize("ending", ["csv.gz", "ndjson.gz"])
@pytest.mark.parametrize("place", ["first", "later"])
def test_a_line_of_2_gb_in_a_small_file_takes_little_memory(tmp_path: Path, ending: str, place: str) -> None:
    start = f"{HEADER}\nacme,u1,active," if "csv" in ending else f'{ROW}}}\n{ROW}, "notes": "'
    # Of 64 MB each, not to wait for 2 GB to be packed: no more of the line is read than the limit.
    chunks = [b"x" * 16_000_000] * 4
    file = write(tmp_path, f"users.{ending}", b"" if place == "first" else start.encode(), *chunks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError, match=f"line {1 if place == 'first' else 2}: longer than"):
        load_users(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
@pytest.mark.parametrize("blank", ["\n", "\r\n", "  \n"])
@pytest.mark.parametrize("is_broken", [False, True])
def test_a_million_blank_lines(tmp_path: Path, ending: str, blank: str, is_broken: bool) -> None:
    if ending == "csv" and blank == "  \n":
        blank = "\n"
    row = "acme,u1,active," if ending == "csv" else ROW + "}"
    last = ("acme,u1" if ending == "csv" else "{") if is_broken else row
    end = blank.lstrip(" ")
    head = HEADER + end if ending == "csv" else ""
    text = f"{head}{row}{end}{blank * 450_000}{last}{end}"
    file = write(tmp_path, f"users.{ending}", text.encode())
    start = time.process_time()
    if is_broken:
        number = 450_002 + (ending == "csv")
        with pytest.raises(SourceError, match=f"line {number}:"):
            load_users(file)
    else:
        assert load_users(file).read == 2
    assert time.process_time() - start < 10


@pytest.mark.parametrize("ending", ["csv.gz", "ndjson.gz"])
def test_blank_lines_that_are_packed_by_a_thousand(tmp_path: Path, ending: str) -> None:
    """In 0.9 MB were 900 million of them, which Python counted for over a minute."""
    start = f"{HEADER}\n" if "csv" in ending else f"{ROW}}}\n"
    file = write(tmp_path, f"users.{ending}", start.encode(), *[b"\n" * 10_000_000] * 3)
    began = time.process_time()
    with pytest.raises(SourceError, match="more than 1 MB of consecutive blank lines, the limit"):
        load_users(file)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_thousands_of_unknown_columns(tmp_path: Path, ending: str) -> None:
    names = [f"extra_{number}" for number in range(3_000)]
    if ending == "csv":
        text = ",".join(("company_id,user_id,status", *names)) + "\nacme,u1,active" + ",1" * len(names) + "\n"
    else:
        text = ROW + "".join(f', "{name}": "1"' for name in names) + "}\n"
    counts = load_users(write(tmp_path, f"users.{ending}", text.encode()))
    assert (counts.stored, len(counts.ignored_columns), len(counts.warnings)) == (1, 3_000, 1)


def test_a_question_mark_in_a_folder_of_packed_tables(tmp_path: Path) -> None:
    folder = tmp_path / "which?"
    folder.mkdir()
    assert load_users(write(folder, "users.ndjson.gz", f"{ROW}}}\n".encode())).stored == 1
    text = f"{HEADER}\nacme,u1,active,\n"
    assert load_users(write(folder, "users.csv.gz", text.encode())).stored == 1


def test_a_folder_that_is_not_utf_8_is_a_wrong_argument(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    as_ndjson(folder, small_world())
    for kind in ("files", "changes", "oulad"):
        done = CliRunner().invoke(app, ["check", f"{kind}:{folder}"])
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
        assert r"caf\xe9 is not valid UTF-8" in done.stderr


@pytest.mark.parametrize("length", [3_000, 4_000, 100_000])
def test_a_very_long_folder_is_a_wrong_argument_or_missing(tmp_path: Path, length: int) -> None:
    done = CliRunner().invoke(app, ["check", f"files:{tmp_path}/{'x/' * (length // 2)}"])
    assert done.exit_code in (2, 3)
    assert len(done.stderr.splitlines()) == 1
