"""A warehouse or live release that can't be read is reported, and the run publishes the same rows."""

import logging
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.database.connection import Connection
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.errors import RunBlocked, RunFailed, WarehouseDamaged
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.numbered_worlds import tables_of
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, run, small_world

LATER = AS_OF + timedelta(days=1)


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source in `in`, a `home` where it was published, and a `next-home` where the next run was too."""
    folder = tmp_path_factory.mktemp("once")
    home_with_one_release(folder)
    source = folder / "in"
    shutil.copytree(folder / "home", folder / "next-home", symlinks=True)
    run(source, folder / "next-home", LATER)
    return folder


@pytest.fixture
def home(published_once: Path, tmp_path: Path) -> Home:
    shutil.copytree(published_once / "home", tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def assert_rebuilt(home: Home, published_once: Path, made: Manifest) -> None:
    assert assert_complete(latest(home.root)) == made
    assert made.computed == 3
    right = tables_of(latest(published_once / "next-home").folder)
    for name, frame in tables_of(latest(home.root).folder).items():
        assert_frame_equal(frame, right[name])


def garbage(home: Home) -> None:
    home.warehouse.write_bytes(random.Random(1).randbytes(50_000))


def empty(home: Home) -> None:
    home.warehouse.write_bytes(b"")


def truncated(home: Home) -> None:
    home.warehouse.write_bytes(home.warehouse.read_bytes()[:1_000_000])


def of_another_version(home: Home) -> None:
    """A storage version of times to come, in a header that is sound otherwise."""
    content = bytearray(home.warehouse.read_bytes())
    content[12:20] = (999).to_bytes(8, "little")
    content[:8] = checksum(content[8:4_096]).to_bytes(8, "little")
    home.warehouse.write_bytes(content)


def checksum(block: bytes) -> int:
    """As DuckDB computes it, from whole words of eight bytes."""
    found = 5_381
    for place in range(0, len(block), 8):
        word = int.from_bytes(block[place : place + 8], "little")
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def of_another_layout(home: Home) -> None:
    """As a pathstats of times to come makes it, or one of the past."""
    with Connection(home.warehouse) as connection:
        connection.execute("UPDATE layout SET version = version + 1")


def of_no_layout(home: Home) -> None:
    with Connection(home.warehouse) as connection:
        connection.execute("DROP TABLE layout")


def a_folder(home: Home) -> None:
    home.warehouse.unlink()
    home.warehouse.mkdir()


def log_of_another(home: Home) -> None:
    """Leftovers of a killed process: a log of some other file."""
    other = home.root / "other.duckdb"
    program = (
        f"import duckdb, os; c = duckdb.connect({str(other)!r}); c.execute('CREATE TABLE t AS SELECT 1'); "
        "c.execute('CHECKPOINT'); c.execute('INSERT INTO t VALUES (2)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    other.with_name("other.duckdb.wal").rename(home.warehouse_log)
    other.unlink()


def damaged_blocks(first: int) -> Callable[[Home], None]:
    """Damaged blocks that opening the file doesn't read are found later, by a query."""

    def damage(home: Home) -> None:
        content = bytearray(home.warehouse.read_bytes())
        block, header = 262_144, 3 * 4_096
        # The first of its blocks name the tables; without the last ones it can't be opened either.
        for start in range(header + first * block, len(content) - block, 3 * block):
            content[start + 8 : start + 4_096] = bytes(4_088)
        home.warehouse.write_bytes(content)

    return damage


DAMAGES = {
    "garbage": garbage,
    "empty": empty,
    "truncated": truncated,
    "of another version": of_another_version,
    "of another layout": of_another_layout,
    "of no layout": of_no_layout,
    "a folder": a_folder,
    "the log of another": log_of_another,
    **{f"blocks from {first} on": damaged_blocks(first) for first in (0, 2)},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_warehouse_is_rebuilt(
    home: Home, published_once: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Home], None]
) -> None:
    damage(home)
    (home.root / "warehouse.duckdb.damaged-of-before").write_text("moved away earlier")
    with caplog.at_level(logging.WARNING):
        made = run(published_once / "in", home.root, LATER)
    (words,) = caplog.messages
    assert "can't be read and is now warehouse.duckdb.damaged-20260311T000000Z" in words
    assert_rebuilt(home, published_once, made)
    moved = {file.name for file in home.root.glob("*.damaged-*")} - {
        "warehouse.duckdb.damaged-20260311T000000Z.wal"
    }
    assert moved == {"warehouse.duckdb.damaged-20260311T000000Z"}
    assert not home.failure.exists()


def test_damaged_warehouse_without_a_source_stays_and_the_error_names_the_remedy(home: Home) -> None:
    garbage(home)
    before = home.warehouse.read_bytes()
    with pytest.raises(WarehouseDamaged, match=r"is damaged; run again with a --source"):
        run_pipeline(RunConfig(source=None, home=home, as_of=LATER))
    assert home.warehouse.read_bytes() == before
    assert_complete(latest(home.root))


def test_warehouse_of_another_layout_is_reported(home: Home) -> None:
    of_another_layout(home)
    with pytest.raises(WarehouseDamaged, match=r"made by another version of pathstats; run again with"):
        run_pipeline(RunConfig(source=None, home=home, as_of=LATER))
    assert_complete(latest(home.root))


def test_changes_alone_do_not_make_a_new_warehouse(home: Home, published_once: Path, tmp_path: Path) -> None:
    """Else the few rows of one day would be published as all there is."""
    garbage(home)
    tables = small_world()
    tables["users"] = tables["users"][:1]
    changes = as_parquet(tmp_path / "changes", tables)
    for _ in range(2):
        with pytest.raises(RunBlocked, match="users: 1 rows where the last release has 3"):
            run_pipeline(RunConfig(source=f"changes:{changes}", home=home, as_of=LATER))
    assert assert_complete(latest(home.root)).as_of == AS_OF.isoformat()
    assert_rebuilt(home, published_once, run(published_once / "in", home.root, LATER))


def test_a_warehouse_that_another_program_has_open_is_left_alone(home: Home, published_once: Path) -> None:
    program = f"import duckdb; c = duckdb.connect({str(home.warehouse)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(RunFailed, match="is open in another program"):
            run(published_once / "in", home.root, LATER)
        other.communicate("\n")
    assert not list(home.root.glob("*.damaged-*"))
    assert run(published_once / "in", home.root, LATER).reused == 3


def test_a_failing_query_is_not_taken_for_damage(tmp_path: Path) -> None:
    with Connection(tmp_path / "w.duckdb") as connection, pytest.raises(duckdb.ConversionException):
        connection.execute("SELECT CAST('Corrupt' AS INTEGER)")


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


DAMAGED_RELEASES = [
    ("path_session_stats.parquet", shortened),
    ("step_stats.parquet", changed),
    ("status_changes.parquet", Path.unlink),
    ("lookup.sqlite", changed),
    ("lookup.sqlite", Path.unlink),
    ("manifest.json", shortened),
    ("manifest.json", Path.unlink),
]


@pytest.mark.parametrize(("file", "damage"), DAMAGED_RELEASES)
def test_a_damaged_last_release_stops_no_run(
    home: Home, published_once: Path, file: str, damage: Callable[[Path], None]
) -> None:
    damage(latest(home.root).folder / file)
    made = run(published_once / "in", home.root, LATER)
    assert assert_complete(latest(home.root)) == made
    assert (made.computed, made.since) == (3, None)
    stats = pl.read_parquet(latest(home.root).table("path_session_stats"))
    assert_frame_equal(
        stats, pl.read_parquet(latest(published_once / "next-home").table("path_session_stats"))
    )
