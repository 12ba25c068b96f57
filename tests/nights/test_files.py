"""A folder of files, with one of changes beside or as changes only: what is read of it, and when."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.night import delivered
from flows.sources.base import NOTHING_HELD, Held
from flows.sources.files import Files
from schemas.errors import SourceError
from tests.reference.tables import at
from tests.strategies import KEYS

# So that what the tests write is never from a time to come.
OLD, NEW, NEWEST = (at(f"{day} Mar 2020") for day in (5, 6, 7))


def folder(where: Path, written: dict[str, datetime | None]) -> Path:
    """A folder with all six tables and the files named, each written when it says."""
    for name, moment in {**{f"{table}.csv": OLD for table in KEYS}, **written}.items():
        file = where / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if moment:
            file.touch()
            os.utime(file, (moment.timestamp(), moment.timestamp()))
    return where


def read(source: Files, held_since: datetime | None) -> list[tuple[str, datetime]]:
    """What is read of users: whole or changes, and when it was written."""
    held = Held(dict.fromkeys(KEYS, held_since)) if held_since else NOTHING_HELD
    extracts = [it for it in source.extract(Path("nowhere"), NEWEST, held) if it.table == "users"]
    return [("whole" if it.is_full else "changes", it.data_as_of) for it in extracts]


@pytest.mark.parametrize(
    ("whole", "changes", "held_since", "what"),
    [
        (OLD, NEW, None, [("whole", OLD), ("changes", NEW)]),
        (OLD, NEW, OLD, [("changes", NEW)]),
        (OLD, OLD, OLD, [("changes", OLD)]),
        (OLD, None, OLD, []),
        (NEW, OLD, OLD, [("whole", NEW)]),
        (NEW, NEWEST, OLD, [("whole", NEW), ("changes", NEWEST)]),
        (None, NEW, OLD, [("changes", NEW)]),
        (None, OLD, NEW, []),
        # Restored from a backup, or held from a time when a clock was ahead: it is another one.
        (OLD, NEW, NEWEST, [("whole", OLD), ("changes", NEW)]),
    ],
)
def test_with_changes_beside(
    tmp_path: Path,
    whole: datetime | None,
    changes: datetime | None,
    held_since: datetime | None,
    what: list[tuple[str, datetime]],
) -> None:
    source = folder(tmp_path, {"users.csv": whole, "changes/users.csv": changes})
    assert read(Files(source), held_since) == what


@pytest.mark.parametrize("held_since", [None, OLD, NEW])
def test_without_changes_beside_the_whole_table_is_read_each_time(
    tmp_path: Path, held_since: datetime | None
) -> None:
    assert read(Files(folder(tmp_path, {})), held_since) == [("whole", OLD)]


@pytest.mark.parametrize(("held_since", "what"), [(None, "whole"), (OLD, "changes"), (NEW, "changes")])
def test_as_changes_only_a_table_the_warehouse_lacks_is_whole(
    tmp_path: Path, held_since: datetime | None, what: str
) -> None:
    assert read(Files(folder(tmp_path, {}), are_changes=True), held_since) == [(what, OLD)]


def test_as_changes_only_a_table_may_be_left_out_once_it_is_held(tmp_path: Path) -> None:
    source = folder(tmp_path, {"users.csv": None})
    assert read(Files(source, are_changes=True), OLD) == []
    for spec in (f"changes:{source}", f"files:{source}"):
        with pytest.raises(SourceError, match="table users is missing"):
            delivered(spec, tmp_path, NEWEST, NOTHING_HELD)


def test_changes_of_a_table_that_is_nowhere_whole(tmp_path: Path) -> None:
    source = folder(tmp_path, {"users.csv": None, "changes/users.csv": NEW})
    with pytest.raises(SourceError, match="table users is missing"):
        delivered(f"files:{source}", tmp_path, NEWEST, NOTHING_HELD)


def test_no_file_was_written_in_a_time_to_come(tmp_path: Path) -> None:
    """Definitions that a clock that was ahead had dated would not hold until it is right."""
    ahead = datetime.now(OLD.tzinfo) + timedelta(days=300)
    source = Files(folder(tmp_path, {"users.csv": ahead}))
    earliest = datetime.now(OLD.tzinfo)
    [(_, written)] = read(source, None)
    assert earliest <= written <= datetime.now(OLD.tzinfo)


def test_each_table_comes_before_its_changes(tmp_path: Path) -> None:
    source = folder(tmp_path, {f"changes/{table}.csv": NEW for table in KEYS})
    extracts = delivered(f"files:{source}", tmp_path, NEWEST, NOTHING_HELD).extracts
    found = [(it.table, it.is_full) for it in extracts]
    assert found == [(table, is_full) for table in KEYS for is_full in (True, False)]
