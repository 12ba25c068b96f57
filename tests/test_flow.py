"""The night as a Prefect flow, under Prefect's own harness."""

import asyncio
import hashlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.home import PARQUET_TABLES, Home
from schemas.manifest import Manifest

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
SOURCE = "demo:learners=200"
ROOT = Path(__file__).parent.parent

pytestmark = [
    # Prefect 3.8's client leaves a socket of its own to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # With --dist loadgroup all of them share one server.
    pytest.mark.xdist_group("prefect"),
]


@pytest.fixture(scope="module", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One server for all tests of this file, with a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the flow has published once."""
    from flows.nightly import nightly

    place = Home(tmp_path_factory.mktemp("home"))
    nightly(source=SOURCE, home=str(place.root), as_of=AS_OF)
    return place


def digests(home: Home) -> dict[str, str]:
    """Of the tables and the report."""
    files = [*(f"{table}.parquet" for table in PARQUET_TABLES), "report.html"]
    return {file: hashlib.sha256((home.latest / file).read_bytes()).hexdigest() for file in files}


def test_it_publishes_what_a_direct_night_publishes(home: Home, tmp_path: Path) -> None:
    from flows.night import run_night
    from flows.plan import Plan

    run_night(Plan(SOURCE, Home(tmp_path), AS_OF))
    assert digests(home) == digests(Home(tmp_path))


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


def test_every_phase_is_a_task(home: Home) -> None:
    from prefect.client.orchestration import get_client

    async def names() -> set[str]:
        async with get_client() as client:
            return {run.name.rpartition("-")[0] for run in await client.read_task_runs()}

    phases = {
        "extract",
        "load step_activity",
        "load enrollments",
        "accept",
        "transform",
        "report",
        "publish",
        "delete old releases",
    }
    assert phases <= asyncio.run(names())


def test_the_artifacts_hold_the_night_s_figures_and_no_ids(home: Home) -> None:
    from prefect.artifacts import Artifact

    manifest = Manifest.read(home.latest / "manifest.json")
    night = Artifact.get("night")
    tables = Artifact.get("tables-in")
    assert night is not None
    assert tables is not None
    for kind, count in manifest.enrolments_by_detailed_status.items():
        assert f"| {kind} | {count:,} |" in str(night.data)
    assert str(manifest.tables_in["step_activity"].refused) in str(tables.data)
    assert "@" not in f"{night.data}{tables.data}"
    assert "northwind" not in f"{night.data}{tables.data}"


def test_it_keeps_as_many_releases_as_it_is_told(tmp_path: Path) -> None:
    from flows.nightly import nightly

    for day in (1, 2):
        kept = nightly(source=SOURCE, home=str(tmp_path), as_of=AS_OF + timedelta(days=day), keep=1)
        assert [folder.name for folder in Home(tmp_path).releases.iterdir()] == [kept["release_id"]]


def test_a_source_that_may_answer_later_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import night, nightly
    from schemas.errors import SourceUnavailable

    asked = []
    opened = night.open_source

    def unavailable_at_first(spec: str) -> object:
        asked.append(spec)
        if len(asked) == 1:
            raise SourceUnavailable("The source does not answer.")
        return opened(spec)

    monkeypatch.setattr(night, "open_source", unavailable_at_first)
    monkeypatch.setattr(nightly, "RETRY_DELAYS_S", [0, 0, 0])
    nightly.nightly(source=SOURCE, home=str(tmp_path), as_of=AS_OF)
    assert len(asked) == 2


def test_a_source_that_is_wrong_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import night, nightly
    from schemas.errors import SourceError

    asked = []

    def wrong(spec: str) -> object:
        asked.append(spec)
        raise SourceError("There is no such folder.")

    monkeypatch.setattr(night, "open_source", wrong)
    monkeypatch.setattr(nightly, "RETRY_DELAYS_S", [0, 0, 0])
    with pytest.raises(SourceError, match="no such folder"):
        nightly.nightly(source=SOURCE, home=str(tmp_path), as_of=AS_OF)
    assert len(asked) == 1


def test_without_as_of_a_night_is_for_the_time_it_was_scheduled_for(tmp_path: Path) -> None:
    """Also when the same run is retried: a missed or failed night is made up for as of its own time."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun
    from prefect.flow_engine import run_flow
    from prefect.states import AwaitingRetry, Scheduled

    from flows.nightly import nightly

    scheduled = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    parameters = {"source": SOURCE, "home": str(tmp_path)}

    async def create() -> FlowRun:
        async with get_client() as client:
            state = Scheduled(scheduled_time=scheduled)
            return await client.create_flow_run(nightly, parameters=parameters, state=state)

    async def retry(flow_run: FlowRun) -> FlowRun:
        async with get_client() as client:
            now = AwaitingRetry(scheduled_time=datetime.now(UTC))
            await client.set_flow_run_state(flow_run.id, now, force=True)
            return await client.read_flow_run(flow_run.id)

    flow_run = asyncio.run(create())
    run_flow(nightly, flow_run=flow_run, parameters=parameters)
    first = Manifest.read(Home(tmp_path).latest / "manifest.json")
    run_flow(nightly, flow_run=asyncio.run(retry(flow_run)), parameters=parameters)
    again = Manifest.read(Home(tmp_path).latest / "manifest.json")
    assert again.release_id != first.release_id
    assert datetime.fromisoformat(first.as_of) == datetime.fromisoformat(again.as_of) == scheduled


@pytest.mark.parametrize("place", ["flows/nightly.py:nightly"])
def test_the_entry_point_loads(place: str) -> None:
    code = f"from prefect.flows import load_flow_from_entrypoint as load; print(load({place!r}).name)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert loaded.stdout.strip() == "nightly"


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


class Served:
    """`pathstats schedule` in a process group of its own, as in a terminal."""

    def __init__(self, folder: Path, cron: str) -> None:
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
                    "PREFECT_HOME": str(folder / "prefect"),
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


def test_a_served_schedule_fires_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """The server of its own runs a scheduler; cron's smallest step is a minute."""
    served = Served(tmp_path, "* * * * *")
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


def test_told_to_end_while_it_starts_it_leaves_no_server_behind(tmp_path: Path) -> None:
    served = Served(tmp_path, "0 2 * * *")
    served.wait_until(lambda: "Starting a Prefect server" in served.words)
    served.wait_until(lambda: children_of(served.process.pid) != [])
    server = children_of(served.process.pid)
    served.process.terminate()
    assert served.process.wait(timeout=60) == 130
    assert "Traceback" not in served.words
    assert not [pid for pid in server if Path(f"/proc/{pid}").exists()]


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


def test_killed_it_leaves_no_server_behind(tmp_path: Path) -> None:
    """A server that outlived its parent would hold its port and memory for good (Linux)."""
    served = Served(tmp_path, "0 2 * * *")
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


@pytest.mark.parametrize("fails", [False, True])
def test_prefect_is_told_no_secret_of_a_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Parameters, logs, states and artifacts all are in its database; the source's name is all it needs."""
    import httpx
    from prefect.settings import get_current_settings

    from flows.nightly import nightly
    from flows.sources import opening
    from schemas.errors import SourceError
    from tests.learning360.extracting import source
    from tests.learning360.small_company import small_company
    from tests.learning360.test_secrets import said

    platform = small_company()
    if fails:
        platform.faults["/courses"] = lambda request, met: httpx.Response(403)
    monkeypatch.setitem(opening.SOURCES, "360learning", lambda _: source(platform))
    monkeypatch.setenv("PREFECT_LOGGING_EXTRA_LOGGERS", "httpx,httpcore,pathstats.night")
    home = tmp_path / "home"

    if fails:
        with pytest.raises(SourceError, match="courseStats:read"):
            nightly(source="360learning", home=str(home), as_of=AS_OF)
    else:
        assert nightly(source="360learning", home=str(home), as_of=AS_OF)["release_id"]
    assert said(home) == []
    database = get_current_settings().server.database.connection_url
    assert database is not None
    folder = Path(database.get_secret_value().removeprefix("sqlite+aiosqlite:///")).parent
    time.sleep(1)  # Logs and events are sent from threads.
    assert any(b"360learning" in file.read_bytes() for file in folder.iterdir())
    assert said(folder) == []
