"""Nights by a schedule, with a Prefect server of the schedule's own or without."""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.home import Home
from schemas.manifest import Manifest

SOURCE = "demo:learners=200"
ROOT = Path(__file__).parent.parent.parent


class Served:
    """`pathstats schedule` in a process group of its own, as in a terminal."""

    def __init__(self, folder: Path, prefect_home: Path, cron: str) -> None:
        self.home = Home(folder / "home")
        self._words = folder / "words.txt"
        command = [str(Path(sys.executable).with_name("pathstats")), "schedule", "--source", SOURCE]
        with self._words.open("wb") as words:
            self.process = subprocess.Popen(
                [*command, "--cron", cron, "--home", str(self.home.root)],
                cwd=folder,
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": str(folder),
                    "PREFECT_HOME": str(prefect_home),
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def words(self) -> str:
        return self._words.read_text("utf-8")

    def wait_until(self, what: Callable[[], bool]) -> None:
        for _ in range(400):
            if what() or self.process.poll() is not None:
                break
            time.sleep(0.5)
        assert what(), self.words

    def port_is_open(self) -> bool:
        port = int(self.words.partition("127.0.0.1:")[2].partition("/")[0])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_served_schedule_fires_and_ends_with_ctrl_c(
    tmp_path: Path, prefect_home: Callable[[Path], Path]
) -> None:
    """The server of its own runs a scheduler; cron's smallest step is a minute."""
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "* * * * *")
    try:
        served.wait_until(served.home.latest.exists)
        manifest = Manifest.read(served.home.latest / "manifest.json")
        assert datetime.fromisoformat(manifest.as_of).second == 0
        assert served.port_is_open()
    finally:
        os.killpg(served.process.pid, signal.SIGINT)
        ended = served.process.wait(timeout=60)
    assert ended == 0
    assert not served.port_is_open()
    assert "Traceback" not in served.words


def test_told_to_end_while_it_starts_it_leaves_no_server_behind(
    tmp_path: Path, prefect_home: Callable[[Path], Path]
) -> None:
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "0 2 * * *")
    served.wait_until(lambda: "Starting a Prefect server" in served.words)
    served.wait_until(lambda: children_of(served.process.pid) != [])
    server = children_of(served.process.pid)
    served.process.terminate()
    assert served.process.wait(timeout=60) == 130
    assert "Traceback" not in served.words
    assert not [pid for pid in server if Path(f"/proc/{pid}").exists()]


def test_killed_it_leaves_no_server_behind(tmp_path: Path, prefect_home: Callable[[Path], Path]) -> None:
    """A server that outlived its parent would hold its port and memory for good (Linux)."""
    served = Served(tmp_path, prefect_home(tmp_path / "prefect"), "0 2 * * *")
    try:
        served.wait_until(lambda: "The night runs at" in served.words)
        assert served.port_is_open()
    finally:
        served.process.kill()
        served.process.wait()
    wait_until = time.monotonic() + 30
    while served.port_is_open() and time.monotonic() < wait_until:
        time.sleep(0.05)
    assert not served.port_is_open()


def children_of(process: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return [int(pid) for pid in children.split()]


def test_a_night_that_hangs_while_it_ends_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Met once: Prefect's own thread in the night's process waited for one that Ctrl-C had ended."""
    from flows import serving

    class Waiting:
        """A runner that waits for its night, whatever it is told."""

        def __init__(self) -> None:
            self.night = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(3600,))

        async def start(self) -> None:
            self.night.start()
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
            while self.night.is_alive():
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

    runner = Waiting()
    monkeypatch.setattr(serving, "_PATIENCE_WITH_NIGHTS_S", 0.1)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(serving._until_interrupted(runner))
    assert runner.night.exitcode == -signal.SIGKILL


def test_in_a_script_s_background_a_termination_ends_it_too() -> None:
    """There Ctrl-C is ignored, and so would be the interrupt that a termination is turned into."""
    from flows.serving import _interrupt

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("cron", "timezone"), [("soon", "UTC"), ("0 2 * * *", "Mars/Olympus")])
def test_what_is_no_schedule_is_said_before_anything_starts(cron: str, timezone: str) -> None:
    from flows.serving import serve_nightly

    said: list[str] = []
    with pytest.raises(UsageError, match="five cron fields and a zone"):
        serve_nightly({}, cron=cron, timezone=timezone, say=said.append)
    assert said == []


def test_nights_that_are_due_together_follow_each_other_in_their_order(tmp_path: Path) -> None:
    """Whether they fail or not: the one before has ended when the next one begins."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun
    from prefect.states import Scheduled

    from flows.serving import nightly_runner

    runner = nightly_runner({"source": "files:nowhere", "home": str(tmp_path)}, schedules=[])
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

    from flows import serving
    from flows.nightly import nightly
    from pathstats.cli.main import app

    handed_over: list[dict[str, object]] = []
    monkeypatch.setattr(serving, "serve_nightly", lambda parameters, **_: handed_over.append(parameters))
    options = ("--source", SOURCE, "--home", str(tmp_path), "--max-refused", "0.5", "--keep", "7")
    options += ("--max-shrink", "0.1", "--memory", "2GB", "--with-names")
    assert CliRunner().invoke(app, ["schedule", *options]).exit_code == 0
    (parameters,) = handed_over
    assert parameters == {
        "source": SOURCE,
        "home": str(tmp_path),
        "as_of": None,
        "max_refused_share": 0.5,
        "max_shrink_share": 0.1,
        "keep": 7,
        "anew": False,
        "memory_limit": "2GB",
        "with_names": True,
        "least_agreement": 0.98,
    }
    assert parameters.items() <= nightly.validate_parameters(parameters).items()


def test_a_deployed_night_treats_memory_as_one_from_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.memory import prepare_memory

    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    prepare_memory()
    said = os.environ["_RJEM_MALLOC_CONF"]
    assert f'_RJEM_MALLOC_CONF: "{said}"' in (ROOT / "prefect.yaml").read_text("utf-8")
