"""Runs killed with SIGKILL at every stage, while readers ask: nothing is lost, the next run is right."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from schemas.home import Home
from tests.helpers import numbered_worlds
from tests.helpers.kill_points import AT_FIRST, BY_CHANGES, IN_FULL
from tests.helpers.killed_runs import ROOT, Kill, Runs, Task
from tests.helpers.numbered_worlds import Undisturbed, tables_of
from tests.helpers.one_run import assert_complete, latest

KILLED = -9


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed.runs(tmp_path_factory.mktemp("undisturbed"))


@contextmanager
def readers(home: Path) -> Iterator[dict[str, Any]]:
    """Readers of all kinds run at the same time; their counts are checked at the end."""
    messages: dict[str, Any] = {}
    asking = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.readers", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield messages
    finally:
        messages |= json.loads(asking.communicate()[0])


def assert_as_undisturbed(home: Path, undisturbed: Undisturbed, n: int, *, is_second: bool) -> None:
    """The nth world's release is the latest, table by table; and no run left anything behind.

    is_second: the killed run had published it already, so nothing has changed since the release before.
    """
    assert_complete(latest(home))
    expected = undisturbed.of(n)
    found = tables_of(latest(home).folder)
    assert found.keys() == expected.keys()
    for name, frame in found.items():
        clear = name == "status_changes" and is_second
        assert_frame_equal(frame, expected[name].clear() if clear else expected[name])
    left = {entry.name for entry in home.iterdir()} - {"run.lock", "warehouse.duckdb", "published"}
    assert left == set()
    assert {entry.name for entry in Home(home).published.iterdir()} <= {"releases", "latest", "deleted"}


@pytest.mark.parametrize(
    ("kind", "kills"), [("changes", BY_CHANGES), ("full", IN_FULL)], ids=["changes", "full"]
)
def test_killed_on_top_of_a_release(
    undisturbed: Undisturbed, tmp_path: Path, kind: str, kills: list[list[Kill]]
) -> None:
    """The kills of a list are of one run, run again; it is then left alone, and the next comes."""
    home = tmp_path / "home"
    with Runs() as runs:
        assert runs.run(Task(numbered_worlds.whole(tmp_path / "1", 1), str(home))) == 0
        with readers(home) as messages:
            for n, chain in enumerate(kills, 2):
                in_full = kind == "full"
                source = (numbered_worlds.whole if in_full else numbered_worlds.changes)(tmp_path / "in", n)
                before, switched = latest(home).folder, False
                for kill in chain:
                    task = Task(source, str(home), full_refresh=in_full, keep=3, kill=kill)
                    assert runs.run(task) == KILLED, kill
                    assert_complete(latest(home))
                    switched |= latest(home).folder != before
                assert runs.run(Task(source, str(home), full_refresh=in_full, keep=3)) == 0, chain
                assert_as_undisturbed(home, undisturbed, n, is_second=switched)
    for name, reader in messages.items():
        assert reader["wrong"] == [], name
        assert reader["asked"] > 10
        assert len(reader["seen"]) > 1


def test_killed_in_the_first_run(undisturbed: Undisturbed, tmp_path: Path) -> None:
    home = tmp_path / "home"
    source = numbered_worlds.whole(tmp_path / "in", 1)
    with Runs() as runs:
        for chain in AT_FIRST:
            for kill in chain:
                assert runs.run(Task(source, str(home), kill=kill)) == KILLED, kill
                if Home(home).latest.is_symlink():
                    assert_complete(latest(home))
            assert runs.run(Task(source, str(home))) == 0, chain
            expected = undisturbed.of(1)
            for name, frame in tables_of(latest(home).folder).items():
                clear = name == "status_changes"
                assert_frame_equal(frame, expected[name].clear() if clear else expected[name])
            shutil.rmtree(home)
