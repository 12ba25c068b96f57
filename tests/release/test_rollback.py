"""A rollback: what answers then, what is remembered of it and for how long, and when it is rejected."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from flows.release import catalog
from flows.release.catalog import Rollback
from flows.release.retention import delete_beyond
from flows.release.rollback import roll_back
from pathstats import PathStats, scan
from schemas.errors import HomeBusy, NoRelease, ReleaseDamaged, UnknownName
from schemas.home import Home, Release
from tests.helpers.home_with_releases import edit_manifest, home_with_one_release, ids, runs
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, run, small_world

AT = datetime(2026, 3, 12, 8, 30, tzinfo=UTC)
FIRST, SECOND = "20260310T000000Z-1", "20260311T000000Z-1"


@pytest.fixture(scope="module")
def published_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FIRST, then SECOND, in which u1 has left the tables."""
    home = home_with_one_release(tmp_path_factory.mktemp("twice"))
    tables = small_world()
    tables["enrollments"] = [row for row in tables["enrollments"] if row["user_id"] != "u1"]
    run(as_parquet(home.root.parent / "in 2", tables), home.root, AS_OF + timedelta(days=1))
    return home.root


@pytest.fixture
def home(published_twice: Path, tmp_path: Path) -> Home:
    shutil.copytree(published_twice, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def learners(home: Home) -> list[str]:
    return scan("path_session_stats", home=home.root).select("user_id").collect()["user_id"].to_list()


def test_the_older_release_answers(home: Home) -> None:
    switched = roll_back(home, FIRST, AT)
    assert switched is not None
    assert (switched.manifest.release_id, switched.before, switched.is_newest) == (FIRST, SECOND, False)
    assert assert_complete(latest(home.root)).release_id == FIRST
    assert ids(home) == {FIRST, SECOND}


def test_running_look_ups_and_scans_follow_it_there_and_back(home: Home) -> None:
    """The rollback is another process's, as it would be."""
    stats = PathStats(home.root)
    assert stats.find("S", "u2").release.name == SECOND
    assert learners(home) == ["u2", "u3"]
    pathstats = Path(sys.executable).with_name("pathstats")
    for release_id, expected in ((FIRST, ["u1", "u2", "u3"]), (SECOND, ["u2", "u3"])):
        command = [pathstats, "rollback", release_id, "--home", home.root]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        assert stats.find("S", "u2").release.name == release_id
        assert learners(home) == expected
    roll_back(home, FIRST, AT)
    assert stats.lookup("S", "u1")["progress"] == 50


def test_a_scan_that_was_begun_stays_with_its_release(home: Home) -> None:
    begun = scan("path_session_stats", home=home.root)
    roll_back(home, FIRST, AT)
    assert begun.collect().height == 2


# What is remembered


def test_rollback_is_noted_until_the_next_run(home: Home, tmp_path: Path) -> None:
    assert catalog.rollback(home) is None
    roll_back(home, FIRST, AT)
    assert catalog.rollback(home) == Rollback("2026-03-12T08:30:00+00:00", FIRST, SECOND)
    run(as_parquet(tmp_path / "in", small_world()), home.root, AS_OF + timedelta(days=2))
    assert catalog.rollback(home) is None
    assert not home.rollbacks.exists()


def test_a_run_that_fails_leaves_it_rolled_back(home: Home, tmp_path: Path) -> None:
    roll_back(home, FIRST, AT)
    with pytest.raises(Exception, match="the folder does not exist"):
        run(tmp_path / "nowhere", home.root, AS_OF + timedelta(days=2))
    rollback = catalog.rollback(home)
    assert rollback is not None
    assert rollback.release_id == FIRST


def test_further_back_it_is_from_the_one_before(home: Home) -> None:
    (oldest,) = runs(home, 1)
    roll_back(home, FIRST, AT)
    roll_back(home, oldest, AT + timedelta(hours=1))
    assert catalog.rollback(home) == Rollback("2026-03-12T09:30:00+00:00", oldest, FIRST)


def test_back_to_the_newest_nothing_is_rolled_back(home: Home) -> None:
    roll_back(home, FIRST, AT)
    switched = roll_back(home, SECOND, AT)
    assert switched is not None
    assert switched.is_newest
    assert catalog.rollback(home) is None
    assert latest(home.root).folder.name == SECOND


def test_the_newest_is_the_one_made_last(home: Home) -> None:
    edit_manifest(home.release(SECOND), created_at="2019-01-01T00:00:00+00:00")
    switched = roll_back(home, FIRST, AT)
    assert switched is not None
    assert switched.is_newest


def test_from_a_damaged_release_it_is_a_rollback_though_nothing_sound_is_newer(home: Home) -> None:
    home.release(SECOND).manifest.unlink()
    switched = roll_back(home, FIRST, AT)
    assert switched is not None
    assert not switched.is_newest
    assert catalog.rollback(home) == Rollback("2026-03-12T08:30:00+00:00", FIRST, SECOND)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"at": "x"}]', "{}"])
def test_unreadable_note_counts_as_missing(home: Home, text: str) -> None:
    roll_back(home, FIRST, AT)
    home.rollbacks.write_text(text, "utf-8")
    assert catalog.rollback(home) is None


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("name", "nth"), [("replace", 1), ("replace", 2), ("fsync", 1), ("fsync", 2)])
def test_note_is_true_wherever_a_rollback_is_killed(home: Home, name: str, nth: int, when: str) -> None:
    """The second rollback is interrupted: either it is complete and noted, or the first one still is."""
    (oldest,) = runs(home, 1)
    roll_back(home, FIRST, AT)
    work, calls = getattr(os, name), iter(range(1, 100))

    def fatal(*arguments: object) -> None:
        last = next(calls) == nth
        if not last or when == "after":
            work(*arguments)
        if last:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, name, fatal)
        with pytest.raises(Killed):
            roll_back(home, oldest, AT + timedelta(hours=1))
    live_release = assert_complete(latest(home.root)).release_id
    messages = {FIRST: SECOND, oldest: FIRST}
    rollback = catalog.rollback(home)
    assert rollback is not None
    assert (rollback.release_id, rollback.from_release_id) == (live_release, messages[live_release])
    roll_back(home, oldest, AT)
    assert latest(home.root).folder.name == oldest


# When it is rejected


def test_the_latest_already(home: Home) -> None:
    assert roll_back(home, SECOND, AT) is None
    assert catalog.rollback(home) is None
    assert latest(home.root).folder.name == SECOND


@pytest.mark.parametrize(
    "asked", ["20260312T000000Z-1", "", ".", "..", f"../releases/{FIRST}", f"{FIRST}/", "*"]
)
def test_no_such_release(home: Home, asked: str) -> None:
    with pytest.raises(UnknownName, match="`pathstats releases` lists"):
        roll_back(home, asked, AT)
    assert latest(home.root).folder.name == SECOND


def test_a_deleted_release(home: Home) -> None:
    delete_beyond(home, 1, SECOND)
    with pytest.raises(UnknownName, match="was deleted"):
        roll_back(home, FIRST, AT)


def test_a_home_without_a_release_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(NoRelease):
        roll_back(Home(tmp_path / "home"), FIRST, AT)
    assert not (tmp_path / "home").exists()


def without_a_table(release: Release) -> None:
    release.table("step_stats").unlink()


def with_a_shorter_table(release: Release) -> None:
    release.table("step_stats").write_bytes(b"PAR1")


def with_another_index(release: Release) -> None:
    release.lookup_index.write_bytes(bytes(release.lookup_index.stat().st_size))


def without_a_manifest(release: Release) -> None:
    release.manifest.unlink()


@pytest.mark.parametrize(
    ("damage", "output"),
    [
        (without_a_table, r"step_stats\.parquet is missing"),
        (with_a_shorter_table, r"step_stats\.parquet is changed: 4 bytes, published with \d"),
        (with_another_index, r"lookup\.sqlite is changed"),
        (without_a_manifest, r"manifest\.json is missing"),
    ],
)
def test_a_damaged_release(home: Home, damage: Callable[[Release], None], output: str) -> None:
    damage(home.release(FIRST))
    with pytest.raises(ReleaseDamaged, match=output):
        roll_back(home, FIRST, AT)
    assert latest(home.root).folder.name == SECOND
    assert catalog.rollback(home) is None


def test_a_file_besides_does_no_harm(home: Home) -> None:
    (home.release(FIRST).folder / "read me.txt").write_text("x")
    roll_back(home, FIRST, AT)
    assert latest(home.root).folder.name == FIRST


def test_while_a_run_runs(home: Home) -> None:
    with FileLock(home.lock), pytest.raises(HomeBusy):
        roll_back(home, FIRST, AT)
    assert latest(home.root).folder.name == SECOND


@pytest.mark.parametrize("is_gone", [True, False])
def test_rollback_repairs_a_latest_without_a_target(home: Home, is_gone: bool) -> None:
    """A rollback helps when the live release was removed."""
    if is_gone:
        home.latest.unlink()
    shutil.rmtree(home.release(SECOND).folder)
    (oldest,) = runs_from(home, FIRST)
    with pytest.raises((NoRelease, ReleaseDamaged)):
        scan("users", home=home.root)
    roll_back(home, oldest, AT)
    assert learners(home) == ["u1", "u2", "u3"]
    rollback = json.loads(home.rollbacks.read_text("utf-8"))[-1]
    assert rollback["from_release_id"] == (None if is_gone else SECOND)


def runs_from(home: Home, release_id: str) -> list[str]:
    """One older copy of that release, where `latest` has no target."""
    older = Release(home.releases / "20260301T000000Z-1")
    shutil.copytree(home.release(release_id).folder, older.folder)
    edit_manifest(older, release_id=older.folder.name, created_at="2020-03-02T00:00:00+00:00")
    return [older.folder.name]
