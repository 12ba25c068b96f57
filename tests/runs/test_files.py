"""A folder of files, with one of changes in it or as changes only: which files are read, and when."""

import hashlib
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.database.connection import Connection
from flows.sources.base import EMPTY_WAREHOUSE, AppliedChanges, Extract, WarehouseState
from flows.sources.delivery import delivered
from flows.sources.files import Files
from schemas.errors import SourceError
from schemas.home import Home
from tests.helpers.one_run import as_ndjson, run, small_world
from tests.helpers.random_worlds import KEYS
from tests.reference.tables import at

# So that what the tests write is never from a time to come.
EMPTY = hashlib.sha256().hexdigest()
OLD, NEW, NEWEST = (at(f"{day} Mar 2020") for day in (5, 6, 7))


def folder(where: Path, written: dict[str, datetime | None]) -> Path:
    """A folder with all six tables and the named files, each with its time of writing."""
    for name, moment in {**{f"{table}.csv": OLD for table in KEYS}, **written}.items():
        file = where / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if moment:
            file.touch()
            os.utime(file, (moment.timestamp(), moment.timestamp()))
    return where


def read(
    source: Files, held_since: datetime | None, contents: dict[str, str] | None = None
) -> list[tuple[str, datetime]]:
    """The extracts of users: whole or changes, and when they were written.

    contents: by table, of the whole tables that the warehouse has read; by default empty files.
    """
    known = {**dict.fromkeys(KEYS, EMPTY), **(contents or {})}
    stored = (
        WarehouseState(dict.fromkeys(KEYS, held_since), contents=known) if held_since else EMPTY_WAREHOUSE
    )
    items = source.extract(Path("nowhere"), NEWEST, stored)
    extracts = [it for it in items if isinstance(it, Extract) and it.table == "users"]
    return [("whole" if it.is_full else "changes", it.data_as_of) for it in extracts]


@pytest.mark.parametrize(
    ("whole", "changes", "held_since", "what"),
    [
        (OLD, NEW, None, [("whole", OLD), ("changes", NEW)]),
        (OLD, NEW, OLD, [("changes", NEW)]),
        (OLD, OLD, OLD, [("changes", OLD)]),
        (OLD, None, OLD, []),
        (None, NEW, OLD, [("changes", NEW)]),
        # The date alone decides nothing: the content of the table is that of the one that was read.
        (NEW, OLD, OLD, [("changes", OLD)]),
        (OLD, NEW, NEWEST, [("changes", NEW)]),
        (None, OLD, NEW, [("changes", OLD)]),
    ],
)
def test_changes_folder_is_read_with_the_full_tables(
    tmp_path: Path,
    whole: datetime | None,
    changes: datetime | None,
    held_since: datetime | None,
    what: list[tuple[str, datetime]],
) -> None:
    source = folder(tmp_path, {"users.csv": whole, "changes/users.csv": changes})
    assert read(Files(source), held_since) == what


@pytest.mark.parametrize("held_since", [None, OLD, NEW])
def test_full_table_without_a_changes_folder_is_read_each_time(
    tmp_path: Path, held_since: datetime | None
) -> None:
    assert read(Files(folder(tmp_path, {})), held_since) == [("whole", OLD)]


@pytest.mark.parametrize(("held_since", "what"), [(None, "whole"), (OLD, "changes"), (NEW, "changes")])
def test_changes_source_reads_a_missing_table_as_full(
    tmp_path: Path, held_since: datetime | None, what: str
) -> None:
    assert read(Files(folder(tmp_path, {}), are_changes=True), held_since) == [(what, OLD)]


def test_changes_source_may_leave_out_a_stored_table(tmp_path: Path) -> None:
    source = folder(tmp_path, {"users.csv": None})
    assert read(Files(source, are_changes=True), OLD) == []
    for spec in (f"changes:{source}", f"files:{source}"):
        with pytest.raises(SourceError, match="table users is missing"):
            delivered(spec, tmp_path, NEWEST, EMPTY_WAREHOUSE)


def test_changes_of_a_table_that_is_nowhere_whole(tmp_path: Path) -> None:
    source = folder(tmp_path, {"users.csv": None, "changes/users.csv": NEW})
    with pytest.raises(SourceError, match="table users is missing"):
        delivered(f"files:{source}", tmp_path, NEWEST, EMPTY_WAREHOUSE)


def test_no_file_was_written_in_a_time_to_come(tmp_path: Path) -> None:
    """Definitions dated by a clock that was ahead would not be valid until that time comes."""
    ahead = datetime.now(OLD.tzinfo) + timedelta(days=300)
    source = Files(folder(tmp_path, {"users.csv": ahead}))
    earliest = datetime.now(OLD.tzinfo)
    [(_, written)] = read(source, None)
    assert earliest <= written <= datetime.now(OLD.tzinfo)


def test_full_table_is_delivered_before_its_changes(tmp_path: Path) -> None:
    source = folder(tmp_path, {f"changes/{table}.csv": NEW for table in KEYS})
    extracts = delivered(f"files:{source}", tmp_path, NEWEST, EMPTY_WAREHOUSE).extracts
    found = [(it.table, it.is_full) for it in extracts]
    assert found == [(table, is_full) for table in KEYS for is_full in (True, False)]


def tables_read(
    source: Path, stored: WarehouseState, *, are_changes: bool = False
) -> tuple[list[str], list[str]]:
    """The users read from the folder, as `whole` or `changes`, and the warnings."""
    items = list(Files(source, are_changes).extract(Path("nowhere"), NEWEST, stored))
    extracts = [it for it in items if isinstance(it, Extract) and it.table == "users"]
    warnings = [str(it) for it in items if not isinstance(it, Extract)]
    return ["whole" if it.is_full else "changes" for it in extracts], warnings


def content(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def held_with(whole: str = "", changes: AppliedChanges | None = None) -> WarehouseState:
    """A warehouse with all tables as of OLD; users read from the text `whole`."""
    contents = {**dict.fromkeys(KEYS, EMPTY), "users": content(whole)}
    return WarehouseState(dict.fromkeys(KEYS, OLD), {}, contents, {"users": changes} if changes else {})


def write(file: Path, text: str, moment: datetime | None) -> None:
    file.write_text(text, "utf-8")
    seconds = moment.timestamp() if moment else 315532800  # 1980, as unzip leaves it
    os.utime(file, (seconds, seconds))


def test_changes_with_a_lost_date_are_applied_once(tmp_path: Path) -> None:
    source = folder(tmp_path, {"changes/users.csv": OLD})
    write(source / "changes/users.csv", "new", None)
    read, warnings = tables_read(source, held_with())
    assert (read, warnings) == (
        ["changes"],
        ["users: changes/users.csv has no credible date; it counts as written now."],
    )
    applied = held_with(changes=AppliedChanges(content("new")))
    words = "users: changes/users.csv was applied before (same content) and is not read again."
    assert tables_read(source, applied) == ([], [words])
    write(source / "changes/users.csv", "new", NEWEST)
    assert tables_read(source, applied) == ([], [words])
    write(source / "changes/users.csv", "newer", None)
    assert tables_read(source, applied)[0] == ["changes"]


def test_a_whole_table_is_read_for_its_content_not_for_its_date(tmp_path: Path) -> None:
    source = folder(tmp_path, {"changes/paths.csv": NEW})
    write(source / "users.csv", "whole", NEW)
    read, warnings = tables_read(source, held_with("whole"))
    assert read == []
    assert "users: users.csv is not read again (same content as last time)." in warnings
    write(source / "users.csv", "other", OLD)
    assert tables_read(source, held_with("whole"))[0] == ["whole"]
    write(source / "users.csv", "other", None)
    assert tables_read(source, held_with("whole"))[0] == ["whole"]


def test_changes_that_a_new_whole_table_contains_are_left_out(tmp_path: Path) -> None:
    source = folder(tmp_path, {"changes/users.csv": OLD})
    write(source / "users.csv", "whole 2", NEWEST)
    write(source / "changes/users.csv", "changes", NEW)
    applied = AppliedChanges(content("changes"))
    read, warnings = tables_read(source, held_with("whole 1", applied))
    assert read == ["whole"]
    assert "applied before (same content)" in warnings[0]
    # Newer than the whole table that took their effect away: they are wanted again.
    write(source / "users.csv", "whole 0", OLD)
    assert tables_read(source, held_with("whole 1", applied))[0] == ["whole", "changes"]


def test_changes_before_the_whole_table_of_an_earlier_run_are_left_out(tmp_path: Path) -> None:
    source = folder(tmp_path, {"changes/users.csv": OLD})
    contained = AppliedChanges(content("changes"), are_in_whole=True)
    write(source / "changes/users.csv", "changes", at("4 Mar 2020"))
    assert tables_read(source, held_with("", contained))[0] == []
    write(source / "changes/users.csv", "changes", NEW)
    assert tables_read(source, held_with("", contained))[0] == ["changes"]


def test_unseen_changes_older_than_the_table_are_applied_with_a_warning(tmp_path: Path) -> None:
    source = folder(tmp_path, {"changes/users.csv": OLD})
    write(source / "users.csv", "whole", NEW)
    write(source / "changes/users.csv", "changes", OLD)
    read, warnings = tables_read(source, EMPTY_WAREHOUSE)
    assert read == ["whole", "changes"]
    assert "is applied although it is older than the table" in warnings[0]


def test_the_same_changes_as_a_source_of_their_own_are_applied_once(tmp_path: Path) -> None:
    source = folder(tmp_path, {})
    write(source / "users.csv", "changes", NEW)
    assert tables_read(source, held_with(), are_changes=True)[0] == ["changes"]
    applied = held_with(changes=AppliedChanges(content("changes")))
    assert tables_read(source, applied, are_changes=True)[0] == []


@pytest.mark.parametrize(
    "name", ["users.jsonl", "users.JSONL.GZ", "Users.CSV", "USERS.csv.gz", "users.Parquet", "users.ndjson"]
)
def test_a_table_may_be_in_any_format_and_case(tmp_path: Path, name: str) -> None:
    source = folder(tmp_path, {"users.csv": None})
    (source / name).touch()
    assert tables_read(source, EMPTY_WAREHOUSE) == (["whole"], [])


@pytest.mark.parametrize("name", ["users.parquet", "users", "Users.PARQUET"])
def test_a_table_may_be_a_folder_of_parts(tmp_path: Path, name: str) -> None:
    source = folder(tmp_path, {"users.csv": None, f"{name}/part-0.parquet": OLD, f"{name}/_SUCCESS": NEW})
    assert tables_read(source, EMPTY_WAREHOUSE) == (["whole"], [])


@pytest.mark.parametrize("other", ["users.CSV", "users.jsonl", "users/part-0.parquet"])
def test_a_table_in_two_forms_is_an_error(tmp_path: Path, other: str) -> None:
    source = folder(tmp_path, {other: OLD})
    with pytest.raises(SourceError, match="table users has two files"):
        tables_read(source, EMPTY_WAREHOUSE)


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("waiver.csv", "waiver.csv is not read. Is it waivers.csv?"),
        ("Childsessions.ndjson.gz", "Childsessions.ndjson.gz is not read. Is it child_sessions.ndjson.gz?"),
        ("users_old.csv", "users_old.csv is not read. Table users is read from users.csv."),
        (
            "waivers.xlsx",
            "waivers.xlsx is not read. Is it waivers? Tables are read from .parquet, .csv and .ndjson files.",
        ),
        ("waivers/notes.txt", "waivers/ is not read. Is it waivers/? It must contain parquet files."),
        ("Change/users.csv", "Change/ is not read. Is it changes/?"),
        ("README.md", "README.md is not read."),
        ("changes/waiver.csv", "changes/waiver.csv is not read. Is it waivers.csv?"),
        ("b\x1b[2J\udcff.txt", "b�[2J�.txt is not read."),
    ],
)
def test_a_file_that_is_not_read_is_named(tmp_path: Path, name: str, warning: str) -> None:
    source = folder(tmp_path, {name: OLD, ".DS_Store": OLD, "_SUCCESS": OLD})
    assert tables_read(source, EMPTY_WAREHOUSE)[1] == [warning]


def test_unread_files_beyond_ten_are_counted(tmp_path: Path) -> None:
    others = {f"{stem}{number}.txt": OLD for stem in ("x", "user") for number in range(300)}
    warnings = tables_read(folder(tmp_path, others), EMPTY_WAREHOUSE)[1]
    assert len(warnings) == 11
    assert warnings[-1].endswith("and 580 more are not read.")


def test_missing_tables_are_named_with_similar_files(tmp_path: Path) -> None:
    source = folder(tmp_path, {"users.csv": None, "paths.csv": None, "path.csv": OLD})
    with pytest.raises(SourceError, match=r"tables users, paths are missing.* Is it paths\.csv\?"):
        tables_read(source, EMPTY_WAREHOUSE)


def test_a_file_from_1980_does_not_date_definitions_into_the_past(tmp_path: Path) -> None:
    """Nor does any file older than the data that the warehouse has: what it had then was so then."""
    tables = small_world()
    source = as_ndjson(tmp_path / "in", tables)
    home = tmp_path / "home"
    first = at("10 Feb 2026")
    for table in KEYS:
        os.utime(source / f"{table}.ndjson", (first.timestamp(), first.timestamp()))
    run(source, home)
    step = {**tables["path_steps"][0], "optional": True}
    steps = "".join(json.dumps(row) + "\n" for row in [step, *tables["path_steps"][1:]])
    for moment in (None, at("1 Jan 2019")):
        write(source / "path_steps.ndjson", steps, moment)
        run(source, home)
        with Connection(Home(home).warehouse) as connection:
            [(began,)] = connection.rows(
                "SELECT min(valid_from) FROM path_steps WHERE valid_from IS NOT NULL"
            )
        assert began >= first


def test_a_warehouse_remembers_the_changes_that_it_applied(tmp_path: Path) -> None:
    tables = small_world()
    source, home = as_ndjson(tmp_path / "in", tables), tmp_path / "home"
    (source / "changes").mkdir()
    user = {**tables["users"][0], "status": "deleted"}
    write(source / "changes/users.ndjson", json.dumps(user) + "\n", None)
    skipped = "users: changes/users.ndjson was applied before (same content) and is not read again."

    def delivery() -> tuple[str, bool]:
        manifest = run(source, home)
        return manifest.tables_in["users"].delivery, skipped in manifest.warnings

    assert delivery() == ("full and changes", False)
    assert delivery() == ("none", True)
    renamed = [{**row, "last_name": "Hopper"} for row in tables["users"]]
    write(source / "users.ndjson", "".join(json.dumps(row) + "\n" for row in renamed), NEWEST)
    assert delivery() == ("full", True)
    assert delivery() == ("none", True)
