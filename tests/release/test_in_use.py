"""A release that a command reads is not deleted; if it was deleted before, the next one is read."""

import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

from flows.release import release_locks, retention
from flows.release.publish import switch_latest
from pathstats import scan, tables
from schemas.home import Home, Release
from tests.helpers.home_with_releases import ids, runs

FIRST = "20260310T000000Z-1"


@pytest.fixture
def home(published_once: Path, tmp_path: Path) -> Home:
    shutil.copytree(published_once / "home", tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def publish_another(home: Home) -> str:
    """A release after FIRST, as a run with --keep 1 leaves it before it deletes."""
    (release_id,) = runs(home, 11)
    switch_latest(home, release_id)
    return release_id


def test_a_release_that_is_read_is_deleted_by_the_next_run(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with tables.reading(home) as release, caplog.at_level(logging.WARNING):
        after = publish_another(home)
        assert retention.delete_beyond(home, 1, after) == []
        assert pl.read_parquet(release.table("users")).height == 3
    assert f"Old release {FIRST} is being read by a command; the next run deletes it." in caplog.text
    assert retention.delete_beyond(home, 1, after) == [FIRST]
    assert ids(home) == {after}


def test_two_commands_read_the_same_release(home: Home) -> None:
    with tables.reading(home) as one, tables.reading(home) as other:
        assert one == other


def test_a_release_deleted_as_a_command_begins_is_followed_by_the_next_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run deletes it after the command has read its name and before it has opened its folder."""
    found = tables.latest_release
    read: list[str] = []

    def found_and_then_deleted(place: Home) -> Release:
        release = found(place)
        read.append(release.folder.name)
        if len(read) == 1:
            retention.delete_beyond(place, 1, publish_another(place))
        return release

    monkeypatch.setattr(tables, "latest_release", found_and_then_deleted)
    with tables.reading(home) as release:
        assert release.table("users").exists()
    assert read == [FIRST, "20260311T000000Z-1"]


def test_a_release_that_is_deleted_cannot_be_in_use(home: Home) -> None:
    release = home.release(FIRST)
    shutil.rmtree(release.folder)
    with release_locks.in_use(release) as exists:
        assert not exists


def test_a_scanned_table_can_be_read_once_its_release_is_deleted(home: Home) -> None:
    users = scan("users", home=home.root)
    retention.delete_beyond(home, 1, publish_another(home))
    assert ids(home) != {FIRST}
    assert users.filter(user_id="u1").select("user_id").collect().rows() == [("u1",)]
    assert users.select(pl.len()).collect().item() == 3
