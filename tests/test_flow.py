"""The night as a Prefect flow, under Prefect's own harness."""

import asyncio
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.home import PARQUET_TABLES, Home
from schemas.manifest import Manifest

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
SOURCE = "demo:learners=200"
ROOT = Path(__file__).parent.parent

# Prefect 3.8's client leaves a socket of its own to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One server for all tests of this file, with a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
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


def parquet_digests(home: Home) -> dict[str, str]:
    return {
        table: hashlib.sha256((home.latest / f"{table}.parquet").read_bytes()).hexdigest()
        for table in PARQUET_TABLES
    }


def test_it_publishes_what_a_direct_night_publishes(home: Home, tmp_path: Path) -> None:
    from flows.night import Plan, run_night

    run_night(Plan(SOURCE, Home(tmp_path), AS_OF))
    assert parquet_digests(home) == parquet_digests(Home(tmp_path))


def test_every_phase_is_a_task(home: Home) -> None:
    from prefect.client.orchestration import get_client

    async def names() -> set[str]:
        async with get_client() as client:
            return {run.name.rpartition("-")[0] for run in await client.read_task_runs()}

    phases = {"extract", "load step_activity", "load enrollments", "accept", "transform", "publish"}
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
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Scheduled

    from flows.nightly import nightly

    scheduled = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)

    async def create() -> object:
        async with get_client() as client:
            return await client.create_flow_run(
                nightly,
                parameters={"source": SOURCE, "home": str(tmp_path)},
                state=Scheduled(scheduled_time=scheduled),
            )

    flow_run = asyncio.run(create())
    run_flow(nightly, flow_run=flow_run, parameters={"source": SOURCE, "home": str(tmp_path)})
    manifest = Manifest.read(Home(tmp_path).latest / "manifest.json")
    assert datetime.fromisoformat(manifest.as_of) == scheduled


@pytest.mark.parametrize("place", ["flows/nightly.py:nightly"])
def test_the_entry_point_loads(place: str) -> None:
    code = f"from prefect.flows import load_flow_from_entrypoint as load; print(load({place!r}).name)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert loaded.stdout.strip() == "nightly"


def test_a_served_schedule_fires(tmp_path: Path) -> None:
    """`pathstats schedule` starts a server that runs its own scheduler; cron's smallest step is a minute."""
    home = Home(tmp_path / "home")
    command = [str(Path(sys.executable).with_name("pathstats")), "schedule", "--source", SOURCE]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path / "prefect")}
    served = subprocess.Popen(
        [*command, "--cron", "* * * * *", "--home", str(home.root)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(360):
            if home.latest.exists() or served.poll() is not None:
                break
            time.sleep(0.5)
        assert home.latest.exists()
        manifest = Manifest.read(home.latest / "manifest.json")
        assert datetime.fromisoformat(manifest.as_of).second == 0
    finally:
        served.send_signal(2)
        words, _ = served.communicate(timeout=60)
    assert b"Traceback" not in words
