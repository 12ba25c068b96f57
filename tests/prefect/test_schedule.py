"""Runs by a schedule, with a Prefect server of the schedule's own or without."""

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.run_config import RunConfig
from schemas.errors import UsageError
from schemas.home import Home
from tests.helpers.schedule_process import SOURCE, Served, is_running

ROOT = Path(__file__).parent.parent.parent


def test_ctrl_c_ends_a_schedule_and_its_server(tmp_path: Path, prefect_home: Callable[[Path], Path]) -> None:
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "0 2 * * *")
    served.wait_until(lambda: "Running at" in served.words)
    server = served.server()
    assert served.interrupted() == 0
    assert server is not None
    assert not is_running(server)
    assert "Traceback" not in served.words


def test_schedule_ended_while_it_starts_leaves_no_server(
    tmp_path: Path, prefect_home: Callable[[Path], Path]
) -> None:
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "0 2 * * *")
    served.wait_until(lambda: served.server() is not None)
    server = served.server()
    served.process.terminate()
    assert served.process.wait(timeout=60) == 130
    assert "Traceback" not in served.words
    assert server is not None
    assert not is_running(server)


def test_killed_it_leaves_no_server_behind(tmp_path: Path, prefect_home: Callable[[Path], Path]) -> None:
    """A server that outlived its parent would keep its port and memory for good (Linux)."""
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "0 2 * * *")
    try:
        served.wait_until(lambda: "Running at" in served.words)
        server = served.server()
    finally:
        served.process.kill()
        served.process.wait()
    assert server is not None
    wait_until = time.monotonic() + 30
    while is_running(server) and time.monotonic() < wait_until:
        time.sleep(0.05)
    assert not is_running(server)


def ended(code: str, patience_s: float) -> tuple[int, str]:
    """A Python process's exit code and stdout; one that takes longer fails the test."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=patience_s, check=False
    )
    return done.returncode, done.stdout


def test_schedule_ends_although_prefect_s_threads_hang() -> None:
    """At its end a process waits for what they have not sent yet, without a limit: once in 13 it hung."""
    code = """
import threading, time
from flows.ops import schedule
schedule._PATIENCE_WITH_PREFECT_S = 0.1
threading._register_atexit(time.sleep, 3600)
schedule._end_in_any_case()
print("Ending.")
"""
    assert ended(code, 60) == (0, "Ending.\n")


def test_pending_events_are_sent_before_prefect_s_server_ends(
    tmp_path: Path, prefect_home: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event took 7 s once the server had ended first."""
    folder = prefect_home(tmp_path / "prefect")
    monkeypatch.setenv("PREFECT_HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("PREFECT_API")]:
        monkeypatch.delenv(name)
    code = """
import atexit, time
from flows.ops import prefect_server
prefect_server.start(schedules=False)
from prefect.events import emit_event
for number in range(5):
    emit_event("sent", resource={"prefect.resource.id": f"run.{number}"})
since = time.monotonic()
atexit.register(lambda: print(time.monotonic() - since))
"""
    code, out = ended(code, 200)
    assert code == 0
    assert float(out) < 20


def test_schedule_ends_although_a_run_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Met once: Prefect's own thread in the run's process waited for one that Ctrl-C had ended."""
    from flows.ops import schedule

    class Waiting:
        """A runner that waits for its run, whatever the signal."""

        def __init__(self) -> None:
            self.run = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(3600,))

        async def start(self) -> None:
            self.run.start()
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
            while self.run.is_alive():
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

    runner = Waiting()
    monkeypatch.setattr(schedule, "_PATIENCE_WITH_RUNS_S", 0.1)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(schedule._until_interrupted(runner))
    assert runner.run.exitcode == -signal.SIGKILL


def test_in_a_script_s_background_a_termination_ends_it_too() -> None:
    """There Ctrl-C is ignored, and so would be the interrupt that a termination is turned into."""
    from flows.ops.schedule import _interrupt

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def not_called(reason: str) -> AbstractContextManager[None]:
    raise AssertionError(reason)


@pytest.mark.parametrize(("cron", "timezone"), [("soon", "UTC"), ("0 2 * * *", "Mars/Olympus")])
def test_invalid_schedule_is_reported_before_anything_starts(cron: str, timezone: str) -> None:
    from flows.ops.schedule import serve_schedule

    output_text: list[str] = []
    with pytest.raises(UsageError, match="five cron fields and a zone"):
        serve_schedule(
            None, RunConfig(), cron=cron, timezone=timezone, say=output_text.append, spinner=not_called
        )
    assert output_text == []


def test_runs_that_are_due_together_follow_each_other_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they fail or not: the one before has ended when the next one begins."""
    monkeypatch.setenv("PATHSTATS_HOME", str(tmp_path))
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun
    from prefect.states import Scheduled

    from flows.nightly import nightly
    from flows.ops.schedule import one_at_a_time

    runner = one_at_a_time(nightly, RunConfig(source="files:nowhere", home=tmp_path), schedules=[])
    runner.query_seconds = 1
    due = [datetime.now(UTC) - timedelta(hours=hours) for hours in (1, 2)]

    async def run_all() -> list[FlowRun]:
        async with get_client() as client:
            deployment = await client.read_deployment_by_name("nightly/nightly")
            made = [
                await client.create_flow_run_from_deployment(
                    deployment.id, state=Scheduled(scheduled_time=time)
                )
                for time in due
            ]
            serving = asyncio.create_task(runner.start())
            try:
                async with asyncio.timeout(120):
                    while True:
                        runs = [await client.read_flow_run(run.id) for run in made]
                        if all(run.state and run.state.is_final() for run in runs):
                            return runs
                        await asyncio.sleep(0.2)
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    later, earlier = asyncio.run(run_all())
    assert earlier.start_time
    assert earlier.end_time
    assert later.start_time
    assert earlier.start_time < earlier.end_time <= later.start_time
    assert json.loads(Home(tmp_path).failure.read_text("utf-8"))["failures"] == 2


def test_a_schedule_hands_over_parameters_that_the_flow_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from flows.nightly import nightly
    from flows.ops import schedule
    from pathstats.cli.main import app

    handed_over: list[RunConfig] = []
    monkeypatch.setattr(schedule, "serve_schedule", lambda _, config, **__: handed_over.append(config))
    options = ("--source", SOURCE, "--home", str(tmp_path), "--max-rejected", "0.5", "--keep", "7")
    options += ("--max-shrink", "0.1", "--memory", "2GB", "--with-names")
    assert CliRunner().invoke(app, ["schedule", *options]).exit_code == 0
    (config,) = handed_over
    parameters = config.model_dump(mode="json", exclude_none=True)
    assert parameters == {
        "source": SOURCE,
        "home": str(tmp_path),
        "max_rejected": 0.5,
        "max_shrink": 0.1,
        "allow_shrink": False,
        "max_vanished": 0.05,
        "allow_vanished": False,
        "min_matched": 0.5,
        "allow_missing_columns": False,
        "strict": False,
        "keep": 7,
        "full_refresh": False,
        "memory": "2GB",
        "with_names": True,
        "min_agreement": 0.98,
    }
    assert nightly.validate_parameters({"config": parameters})["config"] == config
