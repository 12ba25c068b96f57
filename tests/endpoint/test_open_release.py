"""An open release: all of a session at once is what the tables and the look-up say, and it is let go."""

import gc
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from flows.release.publish import switch_latest
from pathstats import PathStats
from pathstats.index_reader import IndexReader
from schemas.errors import PathSessionNotFound, ReleaseDamaged
from schemas.home import Home, Release
from schemas.outputs import SUMMARY_COUNTS
from tests.helpers.home_with_releases import runs
from tests.helpers.one_run import AS_OF, latest, run


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A company in which every status occurs."""
    home = tmp_path_factory.mktemp("demo") / "home"
    run("demo:learners=300", home, AS_OF)
    return latest(home)


def without_its_newer_index(release: Release, folder: Path) -> Release:
    """As releases were before all learners of a session could be asked for."""
    older = Release(Path(shutil.copytree(release.folder, folder / "older")))
    with closing(sqlite3.connect(older.lookup_index)) as index:
        index.execute("DROP INDEX users_by_key")
    return older


def test_counts_are_those_of_the_summary(demo: Release) -> None:
    opened = IndexReader(demo)
    seen = set()
    for row in pl.read_parquet(demo.table("session_summary")).iter_rows(named=True):
        counts = opened.counts(row["company_id"], row["session_id"])
        assert (counts.enrolled, counts.archived) == (row["enrolled"], row["archived"])
        assert counts.detailed_statuses == {kind: row[column] for kind, column in SUMMARY_COUNTS.items()}
        assert sum(counts.statuses.values()) == row["enrolled"]
        seen |= {kind for kind, count in counts.detailed_statuses.items() if count}
    assert seen == set(SUMMARY_COUNTS)


def test_statuses_are_counted_too(demo: Release) -> None:
    stats = pl.read_parquet(demo.table("path_session_stats")).filter(
        "is_current", pl.col("archived_at").is_null()
    )
    opened = IndexReader(demo)
    for (company_id, session_id), rows in stats.group_by("company_id", "session_id"):
        counted = dict(rows.group_by("status").len().iter_rows())
        found = opened.counts(str(company_id), str(session_id)).statuses
        assert {status: count for status, count in found.items() if count} == counted


@pytest.mark.parametrize("is_older", [False, True], ids=["newer", "older"])
def test_learners_of_a_session_are_the_ones_that_can_be_looked_up(
    demo: Release, tmp_path: Path, is_older: bool
) -> None:
    opened = IndexReader(without_its_newer_index(demo, tmp_path) if is_older else demo)
    stats = pl.read_parquet(demo.table("path_session_stats")).filter("is_current")
    for (company_id, session_id), rows in stats.group_by("company_id", "session_id"):
        company, session = str(company_id), str(session_id)
        learners = list(opened.learners(company, session))
        assert sorted(user for user, _ in learners) == sorted(rows["user_id"])
        assert all(opened.find(company, session, user).body == body for user, body in learners)
        assert list(opened.learners(company, session)) == learners


def test_session_without_learners_is_empty(demo: Release) -> None:
    opened = IndexReader(demo)
    company = opened.only_company()
    session = pl.read_parquet(demo.table("path_sessions"))["session_id"][0]
    for asked in ((company, "nowhere"), ("nobody", session), (company, "\ud800")):
        with pytest.raises(PathSessionNotFound):
            opened.counts(*asked)
        with pytest.raises(PathSessionNotFound):
            next(opened.learners(*asked))


def test_open_release_answers_after_it_is_deleted(own_home: Home) -> None:
    opened = IndexReader(latest(own_home.root))
    learners = opened.learners("acme", "S")
    first = next(learners)
    shutil.rmtree(opened.release.folder)
    assert len([first, *learners]) == 3
    assert opened.counts("acme", "S").enrolled == 3
    assert opened.find("acme", "S", "u1").user_id == "u1"


def test_damaged_responses_of_a_session_are_an_error(own_home: Home) -> None:
    release = latest(own_home.root)
    with closing(sqlite3.connect(release.lookup_index)) as index:
        index.execute("UPDATE answers SET body = 'no JSON'")
        index.commit()
    with pytest.raises(ReleaseDamaged, match="publish the run again"):
        IndexReader(release).counts("acme", "S")


def test_a_release_that_answers_no_more_is_let_go(own_home: Home) -> None:
    """Else each run would leave its files open, and deleted ones their room on the disk (Linux)."""
    stats = PathStats(own_home.root)
    gc.disable()
    try:
        for release_id in runs(own_home, 11, 12, 13, 14):
            switch_latest(own_home, release_id)
            assert stats.lookup("S", "u1")["progress"] == 50
            assert len(list(stats.latest().learners("acme", "S"))) == 3
        names = [
            os.readlink(f"/proc/self/fd/{entry.name}")
            for entry in os.scandir("/proc/self/fd")
            if entry.is_symlink()
        ]
    finally:
        gc.enable()
    mine = [name for name in names if name.startswith(str(own_home.root))]
    assert {Path(name).parent.name for name in mine} == {"20260314T000000Z-1"}
