"""Two runs at once, the lock of a killed run, and readers of a release that is deleted meanwhile."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from pathstats import PathStats, scan
from pathstats.tables import latest_release, scan_table
from schemas.errors import HomeBusy
from schemas.home import Home
from tests.helpers.killed_runs import ROOT, Kill, Runs, Task
from tests.helpers.numbered_worlds import changes, whole
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, small_world

PATHSTATS = Path(sys.executable).with_name("pathstats")
# A run that stops in the middle, until its stdin ends.
WAITING = """
import sys
from datetime import datetime
from pathlib import Path
from flows import pipeline
from schemas.home import Home
work = pipeline.merge
def waiting(*arguments):
    print("in the middle", flush=True)
    sys.stdin.read()
    return work(*arguments)
pipeline.merge = waiting
source, home, as_of = sys.argv[1:]
config = pipeline.RunConfig(source=f"files:{source}", home=home, as_of=datetime.fromisoformat(as_of))
pipeline.run_pipeline(config)
"""


def files(home: Path) -> dict[str, int]:
    """The files in the folder, each with the time of its last change."""
    return {str(it.relative_to(home)): it.lstat().st_mtime_ns for it in home.rglob("*")}


def test_second_run_at_once_is_rejected_as_busy(tmp_path: Path) -> None:
    source, home = as_parquet(tmp_path / "in", small_world()), tmp_path / "home"
    first = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(source), str(home), AS_OF.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert first.stdout
    assert first.stdout.readline() == "in the middle\n"
    before = files(home)
    second = subprocess.run(
        [str(PATHSTATS), "run", "--source", f"files:{source}", "--home", str(home), "--direct", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, json.loads(second.stdout)["exit_code"]) == (1, 1)
    (line,) = second.stderr.splitlines()
    assert "Another run is running" in line
    with pytest.raises(HomeBusy):
        run_pipeline(RunConfig(source=f"files:{source}", home=Home(home), as_of=AS_OF))
    after = files(home)
    # To ask for the lock touches its file.
    assert {name: at for name, at in after.items() if name != "run.lock"} == {
        name: at for name, at in before.items() if name != "run.lock"
    }
    first.communicate("")
    assert first.returncode == 0
    assert assert_complete(latest(home)).as_of == AS_OF.isoformat()


def test_lock_of_a_killed_run_blocks_no_later_run(tmp_path: Path) -> None:
    source, home = whole(tmp_path / "in", 1), tmp_path / "home"
    with Runs() as runs:
        assert runs.run(Task(source, str(home), kill=Kill("flows.pipeline:merge", "before"))) == -9
    assert Home(home).lock.exists()
    run_pipeline(RunConfig(source=source, home=Home(home), as_of=AS_OF))


def test_readers_keep_reading_a_replaced_and_then_deleted_release(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    run_pipeline(RunConfig(source=whole(tmp_path / "1", 1), home=home, as_of=AS_OF))
    first = latest_release(home)
    stats = PathStats(home.root)
    assert stats.lookup("S", "u1")["globalTime"] == 1_000
    opened = stats.latest()
    begun, of_first = scan("path_session_stats", home=home.root), scan_table(first, "step_stats")
    with duckdb.connect() as connection:
        many = connection.execute(
            f"SELECT global_time_ms FROM '{home.latest}/path_session_stats.parquet', range(200000) "
            "ORDER BY ALL"
        )
        assert many.fetchone() == (14,)
        run_pipeline(RunConfig(source=changes(tmp_path / "2", 2), home=home, as_of=AS_OF + timedelta(days=1)))
        # Replaced: who began before reads the old one to its end, who asks now the new one.
        assert begun.collect()["global_time_ms"].to_list() == [1_000, 14, 2_000]
        assert of_first.select(pl.sum("time_ms")).collect().item() == 3_014
        assert stats.lookup("S", "u1")["globalTime"] == 2_000
        run_pipeline(
            RunConfig(source=changes(tmp_path / "3", 3), home=home, as_of=AS_OF + timedelta(days=2), keep=1)
        )
        # Deleted: what is open stays readable.
        assert not first.folder.exists()
        assert many.fetchall()[-1] == (2_000,)
    assert len(list(opened.learners("acme", "S"))) == 3
    assert stats.lookup("S", "u1")["globalTime"] == 3_000
    assert begun.collect()["global_time_ms"].to_list() == [1_000, 14, 2_000]


def test_the_latest_release_is_found_though_it_is_replaced_and_deleted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    run_pipeline(RunConfig(source=whole(tmp_path / "1", 1), home=home, as_of=AS_OF))
    resolve, gone = Path.resolve, iter([home.release("20260309T000000Z-1").folder])
    monkeypatch.setattr(Path, "resolve", lambda path: next(gone, None) or resolve(path))
    assert latest_release(home).folder.name == "20260310T000000Z-1"
