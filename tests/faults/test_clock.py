"""Clocks that jump: the machine's, the files', and an as_of before the live release's."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from flows.database.connection import Connection
from flows.pipeline import run_pipeline
from flows.release import catalog, publish
from flows.run_config import RunConfig
from pathstats.cli.main import app
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.numbered_worlds import tables_of
from tests.helpers.one_run import AS_OF, as_parquet, latest, small_world

DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    as_parquet(tmp_path / "in", small_world())
    return Home(tmp_path / "home")


def run(home: Home, as_of: datetime = AS_OF, keep: int = 30, *, full_refresh: bool = False) -> Manifest:
    return run_pipeline(
        RunConfig(
            source=f"files:{home.root.parent / 'in'}",
            home=home,
            as_of=as_of,
            keep=keep,
            full_refresh=full_refresh,
        )
    )


def written_at(home: Home, moment: datetime) -> None:
    """The source's files say that they were written then."""
    for file in (home.root.parent / "in").iterdir():
        os.utime(file, (moment.timestamp(), moment.timestamp()))


def test_run_survives_jumps_of_the_machine_clock(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([2026, 1970, 2099, 2025])

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(next(clock), 6, 1, tzinfo=tz)

    monkeypatch.setattr(publish, "datetime", Jumping)
    made = [run(home, AS_OF + n * DAY, keep=2) for n in range(4)]
    assert [manifest.reused for manifest in made] == [0, 3, 3, 3]
    assert latest(home.root).folder.name == made[3].release_id
    # Two are kept, of which the latest is one; the other is the one that claims to be made last.
    assert [it.release_id for it in catalog.published(home)] == [made[2].release_id, made[3].release_id]
    assert catalog.rollback(home) is None
    messages = CliRunner().invoke(app, ["status", "--home", str(home.root)])
    assert (messages.exit_code, made[3].release_id in messages.stdout) == (0, True)


@pytest.mark.parametrize("year", [1970, 2099])
def test_files_of_another_time(home: Home, year: int) -> None:
    written_at(home, datetime(year, 6, 1, tzinfo=UTC))
    begun = datetime.now(UTC).replace(microsecond=0)
    made = run(home)
    # No file is from a time to come, or from before there were such files: it was taken now.
    taken = datetime.fromisoformat(made.tables_in["users"].data_as_of)
    assert begun <= taken <= datetime.now(UTC)
    assert "users: users.parquet has no credible date; it counts as written now." in made.warnings


def test_definitions_from_files_that_grow_older(home: Home) -> None:
    """Each run has another definition; versions never overlap, and the last one delivered is valid."""
    for number, day in enumerate((9, 5, 7, 3)):
        tables = small_world()
        tables["path_steps"][0] |= {"min_score": 10 * (number + 1)}
        as_parquet(home.root.parent / "in", tables)
        written_at(home, datetime(2026, 3, day, tzinfo=UTC))
        run(home)
    with Connection(home.warehouse) as connection:
        versions = connection.rows(
            "SELECT min_score, valid_from, valid_to FROM path_steps WHERE min_score IS NOT NULL"
        )
    assert all(begins is None or ends is None or begins < ends for _, begins, ends in versions)
    assert [score for score, _, ends in versions if ends is None] == [40]
    moments = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 12)]
    for moment in moments:
        stored = [v for v in versions if (not v[1] or v[1] <= moment) and (not v[2] or moment < v[2])]
        assert len(stored) == 1, (moment, versions)
    incremental = tables_of(latest(home.root).folder)
    run(home, full_refresh=True)
    full = tables_of(latest(home.root).folder)
    for name in incremental.keys() - {"status_changes"}:
        assert_frame_equal(incremental[name], full[name])


def test_an_as_of_before_the_last(home: Home, tmp_path: Path) -> None:
    """There and back again: each release is what a home that knows no other run publishes."""
    run(home)
    for place, as_of in enumerate([AS_OF - 5 * DAY, AS_OF]):
        run(home, as_of)
        run_pipeline(
            RunConfig(source=f"files:{tmp_path / 'in'}", home=Home(tmp_path / f"alone-{place}"), as_of=as_of)
        )
        right = tables_of(latest(tmp_path / f"alone-{place}").folder)
        found = tables_of(latest(home.root).folder)
        for name in right.keys() - {"status_changes"}:
            assert_frame_equal(found[name], right[name])
    assert latest(home.root).folder.name == "20260310T000000Z-2"
