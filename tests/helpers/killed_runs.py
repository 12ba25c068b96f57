"""Runs in processes of their own, each killed with SIGKILL at a chosen call of a chosen function.

`python -m tests.helpers.killed_runs` reads one JSON task per line and answers each with the exit code of the
process that it ran it in. Such a process is a fork of this one: all that is slow to import is here already.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Self

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Kill:
    """Where a run dies: before or after a function does its work.

    place: module and name, `flows.pipeline:transform` or `pathlib:Path.rename`.
    nth:   the number of the call; with `about`, only calls with it in their arguments are counted.
    """

    place: str
    when: str = "after"
    nth: int = 1
    about: str = ""

    def __str__(self) -> str:
        return f"{self.when} {self.place.partition(':')[2]} {self.nth} {self.about}".rstrip()


@dataclass(frozen=True)
class Task:
    """A run to run, and where it dies, if it does."""

    source: str | None
    home: str
    full_refresh: bool = False
    keep: int = 30
    kill: Kill | None = None
    as_of: str = AS_OF.isoformat()


class Runs:
    """A process that runs runs, one after the other."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.killed_runs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, task: Task) -> int:
        """The exit code of the run's process; of a killed one -9."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _die_at(kill: Kill) -> None:
    module, _, path = kill.place.partition(":")
    *outer, name = path.split(".")
    owner: Any = import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    work, calls = getattr(owner, name), 0

    def fatal(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        messages = f"{arguments} {getattr(arguments[0], '__dict__', '')}" if arguments else ""
        calls += kill.about in messages
        if calls != kill.nth or kill.about not in messages:
            return work(*arguments, **options)
        if kill.when == "after":
            work(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a killed process goes on")

    setattr(owner, name, fatal)


def _run(task: Task) -> None:
    # Only here: a process forked after polars has run a query hangs, and these imports run one.
    from flows.pipeline import run_pipeline
    from flows.report import charts
    from flows.run_config import RunConfig
    from schemas.home import Home

    # Starting the chart renderer takes half a second in each of these processes.
    charts._svg = lambda specification: "<svg></svg>"  # type: ignore[assignment]
    if task.kill:
        _die_at(task.kill)
    as_of = datetime.fromisoformat(task.as_of)
    run_pipeline(
        RunConfig(
            source=task.source,
            home=Home(Path(task.home)),
            as_of=as_of,
            max_rejected=1.0,
            allow_shrink=True,
            keep=task.keep,
            full_refresh=task.full_refresh,
        )
    )


def _main() -> None:
    import_module("tests.helpers.preload")
    for line in sys.stdin:
        facts = json.loads(line)
        task = Task(**{**facts, "kill": Kill(**facts["kill"]) if facts["kill"] else None})
        child = os.fork()
        if child == 0:
            _run(task)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
