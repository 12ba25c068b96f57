"""Old releases go, never the wrong ones, and whatever interrupts that leaves whole releases only."""

import errno
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.pipeline import run_pipeline
from flows.release import catalog, retention
from flows.release.publish import start_building, switch_latest
from flows.run_config import RunConfig
from pathstats import PathStats
from schemas.errors import UsageError
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.home_with_releases import MADE, edit_manifest, ids, runs, shelve
from tests.helpers.one_run import AS_OF, assert_complete, latest

FIRST = "20260310T000000Z-1"  # as of AS_OF, made now: after all that runs() makes


@pytest.fixture
def home(published_once: Path, tmp_path: Path) -> Home:
    """A home with one release, FIRST, that was just published."""
    shutil.copytree(published_once / "home", tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def run(home: Home, source: Path, as_of: datetime, keep: int) -> Manifest:
    return run_pipeline(RunConfig(source=f"files:{source}", home=home, as_of=as_of, keep=keep))


# Which ones go


def test_the_oldest_beyond_keep_go(home: Home) -> None:
    made = runs(home, 1, 2, 3, 4)
    assert retention.delete_beyond(home, 3, FIRST) == made[:2]
    assert ids(home) == {FIRST, *made[2:]}
    assert retention.delete_beyond(home, 3, FIRST) == []


def test_retention_keeps_the_given_number_of_releases(home: Home) -> None:
    made = runs(home, 1, 2)
    assert retention.delete_beyond(home, 3, FIRST) == []
    assert ids(home) == {FIRST, *made}


def test_the_oldest_is_the_one_made_first_whatever_day_it_is_for(home: Home) -> None:
    """The name sorts 5 March before 20 March; it was made after it."""
    made = runs(home, 20, 5)
    assert retention.delete_beyond(home, 2, FIRST) == made[:1]


def test_a_run_for_a_past_day_is_not_deleted_at_once(home: Home, published_once: Path) -> None:
    runs(home, 11, 12)
    past = run(home, published_once / "in", AS_OF - timedelta(days=40), keep=2)
    assert ids(home) == {past.release_id, FIRST}
    assert latest(home.root).folder.name == past.release_id


def test_the_one_just_published_stays_though_its_clock_was_behind(home: Home) -> None:
    runs(home, 1, 2)
    edit_manifest(home.release(FIRST), created_at="1970-01-01T00:00:00+00:00")
    assert retention.delete_beyond(home, 1, FIRST) == ["20260301T000000Z-1", "20260302T000000Z-1"]
    assert ids(home) == {FIRST}


def test_the_one_that_answers_stays_though_it_is_the_oldest(home: Home) -> None:
    oldest, middle, _ = runs(home, 1, 2, 3)
    switch_latest(home, oldest)
    assert retention.delete_beyond(home, 2, FIRST) == [middle, "20260303T000000Z-1"]
    assert ids(home) == {FIRST, oldest}


def test_the_one_just_published_stays_though_another_answers(home: Home) -> None:
    _, live_release = runs(home, 1, 2)
    switch_latest(home, live_release)
    edit_manifest(home.release(FIRST), created_at="1970-01-01T00:00:00+00:00")
    assert retention.delete_beyond(home, 1, FIRST) == ["20260301T000000Z-1"]
    assert ids(home) == {FIRST, live_release}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("20260301T000000Z-1", 1), ("20260302T000000Z-1", 2)),
        (("20260301T000000Z-9", 1), ("20260301T000000Z-10", 1)),
    ],
    ids=["by as_of", "by number, not by its first digit"],
)
def test_made_at_the_same_instant(home: Home, older: tuple[str, int], newer: tuple[str, int]) -> None:
    for release_id, day in (newer, older):
        shelve(home, release_id, MADE, datetime(2026, 3, day, tzinfo=UTC))
    assert [manifest.release_id for manifest in catalog.published(home)] == [FIRST, newer[0], older[0]]
    assert retention.delete_beyond(home, 2, FIRST) == [older[0]]


def test_instants_are_compared_not_their_spelling(home: Home) -> None:
    """Also with old manifests, which have times in whole seconds."""
    early, late = runs(home, 1, 2)
    edit_manifest(home.release(early), created_at="2020-03-10T03:30:00+02:00")
    edit_manifest(home.release(late), created_at="2020-03-10T01:30:00.000001+00:00")
    assert [manifest.release_id for manifest in catalog.published(home)][1:] == [late, early]


def test_releases_made_within_a_second_are_ordered(home: Home) -> None:
    assert re.search(r":\d\d\.\d{6}\+00:00$", Manifest.read(home.release(FIRST).manifest).created_at)


def test_nothing_is_deleted_by_a_run_that_fails(home: Home, tmp_path: Path) -> None:
    made = runs(home, 1, 2)
    with pytest.raises(Exception, match="the folder does not exist"):
        run(home, tmp_path / "nowhere", AS_OF + timedelta(days=1), keep=1)
    assert ids(home) == {FIRST, *made}


@pytest.mark.parametrize("keep", [0, -1])
def test_keep_must_be_at_least_one(home: Home, keep: int) -> None:
    with pytest.raises(UsageError, match="keep: Input should be greater than or equal to 1"):
        RunConfig(source="demo", home=home, as_of=AS_OF, keep=keep)


# Other things in the folder


def foreign_file(home: Home) -> None:
    (home.releases / "notes.txt").write_text("x")


def foreign_folder(home: Home) -> None:
    (home.releases / "by hand").mkdir()


def link_to_elsewhere(home: Home) -> None:
    elsewhere = shutil.copytree(home.release(FIRST).folder, home.root / "20260201T000000Z-1")
    edit_manifest(type(home.release(""))(elsewhere), release_id="20260201T000000Z-1", created_at=str(MADE))
    (home.releases / elsewhere.name).symlink_to(elsewhere)


def copy_under_another_name(home: Home) -> None:
    shutil.copytree(home.release(FIRST).folder, home.releases / "20260101T000000Z-1 (copy)")


def with_manifest(text: str) -> Callable[[Home], None]:
    def damage(home: Home) -> None:
        damaged = shelve(home, "20260101T000000Z-1", MADE - timedelta(days=90))
        damaged.manifest.write_text(text, "utf-8")

    return damage


def with_fact(**facts: Any) -> Callable[[Home], None]:
    def damage(home: Home) -> None:
        edit_manifest(shelve(home, "20260101T000000Z-1", MADE - timedelta(days=90)), **facts)

    return damage


def without_manifest(home: Home) -> None:
    shelve(home, "20260101T000000Z-1", MADE).manifest.unlink()


def manifest_is_a_folder(home: Home) -> None:
    without_manifest(home)
    (home.release("20260101T000000Z-1").manifest).mkdir()


@pytest.mark.parametrize(
    "put",
    [
        foreign_file,
        foreign_folder,
        link_to_elsewhere,
        copy_under_another_name,
        without_manifest,
        manifest_is_a_folder,
        with_manifest(""),
        with_manifest("{"),
        with_manifest("[]"),
        with_manifest('{"files": 1, "tables_in": []}'),
        with_fact(created_at="yesterday"),
        with_fact(created_at=None),
        with_fact(created_at="0001-01-01T00:00:00+05:00"),
        with_fact(of_a_later_version=1),
    ],
)
def test_foreign_entry_is_left_alone(home: Home, put: Callable[[Home], None]) -> None:
    made = runs(home, 1, 2)
    before = ids(home)
    put(home)
    (other,) = ids(home) - before
    assert retention.delete_beyond(home, 2, FIRST) == made[:1]
    assert ids(home) == {FIRST, made[1], other}
    assert catalog.damaged(home) + catalog.foreign(home) == [other]


# Interrupted, or not allowed


class Killed(BaseException):
    """The process ends here."""


def interrupted(owner: Any, name: str, nth: int, error: BaseException, when: str) -> Callable[..., Any]:
    work, calls = getattr(owner, name), iter(range(1, 1_000))

    def stumbling(*arguments: Any, **options: Any) -> Any:
        if next(calls) != nth:
            return work(*arguments, **options)
        if when == "after":
            work(*arguments, **options)
        raise error

    return stumbling


def half_removed(folder: Path, *_: Any, **__: Any) -> None:
    (folder / "users.parquet").unlink()
    raise Killed


def assert_whole(home: Home, expected_latest: str) -> None:
    for release_id in ids(home):
        assert_complete(home.release(release_id))
    assert latest(home.root).folder.name == expected_latest


OPERATIONS = [(Path, "rename"), (shutil, "rmtree"), (os, "fsync"), (Path, "mkdir"), (Path, "rmdir")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name", "nth"),
    [
        *((owner, name, nth) for owner, name in OPERATIONS[:2] for nth in (1, 2, 3)),
        *((owner, name, nth) for owner, name in OPERATIONS[2:4] for nth in (1, 2)),
        (Path, "rmdir", 1),
    ],
    ids=lambda it: getattr(it, "__name__", it),
)
def test_killed_at_each_step(home: Home, owner: Any, name: str, nth: int, when: str) -> None:
    made = runs(home, 1, 2, 3, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, interrupted(owner, name, nth, Killed(), when))
        with pytest.raises(Killed):
            retention.delete_beyond(home, 2, FIRST)
    assert_whole(home, FIRST)
    assert {FIRST, made[3]} <= ids(home)
    retention.delete_beyond(home, 2, FIRST)
    assert_whole(home, FIRST)
    assert ids(home) == {FIRST, made[3]}
    assert not home.deleting.exists()


def test_half_deleted_release_is_gone_when_the_next_run_builds(home: Home) -> None:
    runs(home, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "rmtree", half_removed)
        with pytest.raises(Killed):
            retention.delete_beyond(home, 1, FIRST)
    assert ids(home) == {FIRST}
    assert (home.deleting / "20260301T000000Z-1").exists()
    start_building(home)
    assert not home.deleting.exists()
    assert ids(home) == {FIRST}


@pytest.mark.parametrize(("owner", "name"), OPERATIONS, ids=lambda it: getattr(it, "__name__", it))
def test_a_disk_that_rejects_is_a_warning_and_tried_again(
    home: Home, caplog: pytest.LogCaptureFixture, owner: Any, name: str
) -> None:
    made = runs(home, 1, 2, 3)

    def rejected(*_: Any, **__: Any) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(owner, name, rejected)
        retention.delete_beyond(home, 2, FIRST)
    assert "can't be" in caplog.text
    assert "Permission denied" in caplog.text
    assert_whole(home, FIRST)
    retention.delete_beyond(home, 2, FIRST)
    assert ids(home) == {FIRST, made[2]}
    assert not home.deleting.exists()


def test_release_that_can_t_be_deleted_does_not_keep_others(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    made = runs(home, 1, 2, 3)
    first_fails = interrupted(Path, "rename", 1, OSError(errno.EACCES, "Permission denied"), "before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", first_fails)
        assert retention.delete_beyond(home, 1, FIRST) == made[1:]
    assert ids(home) == {FIRST, made[0]}
    assert made[0] in caplog.text


@pytest.mark.parametrize("step", ["_taken_out", "_keep_manifest", "sweep"])
def test_a_run_killed_while_it_deletes(home: Home, published_once: Path, step: str) -> None:
    """In a process of its own that dies after the step; the run has published by then."""
    runs(home, 1, 2)
    source, day = published_once / "in", timedelta(days=1)
    code = f"""
import os, pathlib
from datetime import timedelta
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.release import retention
from schemas.home import Home
from tests.helpers.one_run import AS_OF
work = retention.{step}
def fatal(home, *more):
    work(home, *more)
    # A sweep comes first of all too, before anything is built.
    if home.latest.readlink().name != {FIRST!r}:
        os._exit(9)
    return True
retention.{step} = fatal
home = Home(pathlib.Path({str(home.root)!r}))
run_pipeline(
    RunConfig(source={f"files:{source}"!r}, home=home, as_of=AS_OF + timedelta(days=1), keep=1)
)
"""
    root = Path(__file__).parent.parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 9
    assert_whole(home, "20260311T000000Z-1")
    assert PathStats(home.root).lookup("S", "u2")["progress"] == 100
    last = run(home, source, AS_OF + 2 * day, keep=1)
    assert_whole(home, last.release_id)
    assert ids(home) == {last.release_id}
    assert not home.deleting.exists()


# What stays of a deleted one


def test_an_id_is_never_given_twice(home: Home, published_once: Path) -> None:
    source = published_once / "in"
    assert run(home, source, AS_OF, keep=1).release_id == "20260310T000000Z-2"
    run(home, source, AS_OF + timedelta(days=1), keep=1)
    assert ids(home) == {"20260311T000000Z-1"}
    assert run(home, source, AS_OF, keep=1).release_id == "20260310T000000Z-3"
    kept = Manifest.read(home.deleted / f"{FIRST}.json")
    assert (kept.release_id, kept.as_of) == (FIRST, AS_OF.isoformat())


def test_a_full_disk_without_room_for_the_manifest_still_gets_its_room_back(home: Home) -> None:
    runs(home, 1)
    home.deleted.write_text("where the folder should be")
    assert retention.delete_beyond(home, 1, FIRST) == ["20260301T000000Z-1"]
    assert not home.deleting.exists()


def test_reader_of_a_deleted_release_reads_on(home: Home, published_once: Path) -> None:
    stats = PathStats(home.root)
    stats.lookup("S", "u2")
    opened = stats.latest()
    run(home, published_once / "in", AS_OF + timedelta(days=1), keep=1)
    assert FIRST not in ids(home)
    assert len(list(opened.learners("acme", "S"))) == 3
    assert stats.find("S", "u2").release.name == "20260311T000000Z-1"


def test_a_release_that_goes_between_its_name_and_its_opening(
    home: Home, published_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(home, published_once / "in", AS_OF + timedelta(days=1), keep=1)
    names = iter([f"releases/{FIRST}"])
    read = os.readlink
    monkeypatch.setattr(os, "readlink", lambda path: next(names, None) or read(path))
    assert PathStats(home.root).find("S", "u2").release.name == "20260311T000000Z-1"
