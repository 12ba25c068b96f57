"""A run that is interrupted anywhere: `latest` names a complete release, and the next run succeeds."""

import hashlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from flows.compute import run_parts
from flows.database.connection import Connection
from pathstats import PathStats
from schemas.errors import RunBlocked, RunFailed, SourceError
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, published, run, small_world

# (where the function is found, its name, every how many calls it is interrupted)
OPERATIONS = [
    (pq.ParquetWriter, "write_table", 4),
    (Path, "write_text", 1),
    (Path, "mkdir", 2),
    (Path, "rename", 1),
    (Path, "symlink_to", 1),
    (Path, "unlink", 1),
    (os, "replace", 1),
    (os, "fsync", 12),
    (hashlib, "file_digest", 15),
    (shutil, "rmtree", 1),
    (sqlite3, "connect", 1),
    (Connection, "execute", 50),
    (Connection, "frame", 14),
]


Fault = Callable[[], BaseException]


@dataclass
class Interruption:
    """The nth call of a function raises, before or after it does its work; the calls after it work again."""

    function: Callable[..., Any]
    nth: int
    error: Fault
    afterwards: bool
    home: Path
    calls: int = 0
    answering_then: Path | None = field(default=None)

    def wrapped(self) -> Callable[..., Any]:
        def interrupted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls != self.nth:
                return self.function(*arguments, **options)
            if self.afterwards:
                answer = self.function(*arguments, **options)
                if hasattr(answer, "close"):
                    answer.close()
            self.answering_then = latest(self.home).folder
            raise self.error()

        return interrupted


# In turns: the disk is full before the work is done, Ctrl-C comes after it.
FAULTS: list[tuple[Fault, bool]] = [
    (partial(OSError, 28, "No space left on device"), False),
    (KeyboardInterrupt, True),
]


@pytest.mark.parametrize(("owner", "name", "every"), OPERATIONS, ids=lambda it: getattr(it, "__name__", it))
def test_interrupted_at_each_point(
    published_once: Path, tmp_path: Path, owner: Any, name: str, every: int
) -> None:
    """Each run stumbles over what the one before left behind; the first that is left alone succeeds."""
    source, home = published_once / "in", tmp_path / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first, first_manifest = latest(home), assert_complete(latest(home))
    later = AS_OF + timedelta(days=1)
    # A function that is called only once is interrupted in both ways.
    faults = itertools.cycle(FAULTS)
    for nth in itertools.chain([1], itertools.count(1, every)):
        error, afterwards = next(faults)
        interruption = Interruption(getattr(owner, name), nth, error, afterwards, home)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, interruption.wrapped())
            try:
                live_release = Home(home).release(run(source, home, later).release_id).folder
            except (RunFailed, SourceError, KeyboardInterrupt):
                assert interruption.answering_then is not None
                live_release = interruption.answering_then
        if interruption.answering_then is None:
            break
        # A last release that can't be read stops no run.
        assert latest(home).folder == live_release
        assert_complete(latest(home))
        assert assert_complete(first) == first_manifest
        assert PathStats(home).lookup("S", "u2")["progress"] == 100
    assert nth > 1, f"{name} is not called any more: take it off the list"
    assert assert_complete(latest(home)).as_of == later.isoformat()
    assert not Home(home).failure.exists()


def test_table_that_breaks_its_schema_blocks_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    source = as_parquet(tmp_path / "in", small_world())
    first = run(source, home)
    right = run_parts.session_summary

    def wrong(*arguments: Any) -> pl.DataFrame:
        return right(*arguments).with_columns(pl.col("enrolled") + 1)

    monkeypatch.setattr(run_parts, "session_summary", wrong)
    with pytest.raises(RunBlocked, match="session_summary"):
        run(source, home, AS_OF + timedelta(days=1))
    assert assert_complete(latest(home)) == first
    assert "session_summary" in Home(home).failure.read_text("utf-8")
    monkeypatch.undo()
    run(source, home, AS_OF + timedelta(days=1))
    assert published(home, "session_summary")["enrolled"].to_list() == [3]
    assert not Home(home).failure.exists()


def test_a_run_that_was_published_before_gets_the_next_number(tmp_path: Path) -> None:
    source = as_parquet(tmp_path / "in", small_world())
    ids = [run(source, tmp_path / "home").release_id for _ in range(3)]
    assert ids == [f"20260310T000000Z-{n}" for n in range(1, 4)]
    assert latest(tmp_path / "home").folder.name == ids[-1]
