"""The run as a Prefect flow, under Prefect's own harness."""

import asyncio
import hashlib
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.run_config import RunConfig
from schemas.home import PARQUET_TABLES, Home
from schemas.manifest import Manifest
from tests.prefect.conftest import database

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
SOURCE = "demo:learners=200"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the flow has published once."""
    from flows.nightly import nightly

    place = Home(tmp_path_factory.mktemp("home"))
    nightly(RunConfig(source=SOURCE, home=str(place.root), as_of=AS_OF))
    return place


def digests(home: Home) -> dict[str, str]:
    """Of the tables and the report."""
    files = [*(f"{table}.parquet" for table in PARQUET_TABLES), "report.html"]
    return {file: hashlib.sha256((home.latest / file).read_bytes()).hexdigest() for file in files}


def test_flow_publishes_the_same_as_a_direct_run(home: Home, tmp_path: Path) -> None:
    from flows.pipeline import run_pipeline
    from flows.run_config import RunConfig

    run_pipeline(RunConfig(source=SOURCE, home=Home(tmp_path), as_of=AS_OF))
    assert digests(home) == digests(Home(tmp_path))


def test_every_phase_is_a_task(home: Home) -> None:
    from prefect.client.orchestration import get_client

    async def names() -> set[str]:
        async with get_client() as client:
            return {run.name.rpartition("-")[0] for run in await client.read_task_runs()}

    phases = {
        "extract",
        "load step_activity",
        "load enrollments",
        "merge",
        "transform",
        "report",
        "publish",
        "delete old releases",
    }
    assert phases <= asyncio.run(names())


def test_a_run_is_named_by_the_date_of_its_statistics(home: Home) -> None:
    from prefect.client.orchestration import get_client

    async def names() -> set[str]:
        async with get_client() as client:
            return {run.name for run in await client.read_flow_runs()}

    assert "nightly-2026-03-10" in asyncio.run(names())


def test_artifacts_contain_the_run_s_figures_and_no_ids(home: Home) -> None:
    from prefect.artifacts import Artifact

    manifest = Manifest.read(home.latest / "manifest.json")
    run = Artifact.get("run")
    tables = Artifact.get("tables-in")
    assert run is not None
    assert tables is not None
    for kind, count in manifest.enrollments_by_detailed_status.items():
        assert f"| {kind} | {count:,} |" in str(run.data)
    assert str(manifest.tables_in["step_activity"].rejected) in str(tables.data)
    assert "@" not in f"{run.data}{tables.data}"
    assert "northwind" not in f"{run.data}{tables.data}"


def test_flow_keeps_the_given_number_of_releases(tmp_path: Path) -> None:
    from flows.nightly import nightly

    for day in (1, 2):
        kept = nightly(
            RunConfig(source=SOURCE, home=str(tmp_path), as_of=AS_OF + timedelta(days=day), keep=1)
        )
        assert [folder.name for folder in Home(tmp_path).releases.iterdir()] == [kept["release_id"]]


def test_a_source_that_may_answer_later_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import nightly
    from flows.sources import delivery
    from schemas.errors import SourceUnavailable

    asked = []
    opened = delivery.open_source

    def unavailable_at_first(spec: str) -> object:
        asked.append(spec)
        if len(asked) == 1:
            raise SourceUnavailable("The source does not answer.")
        return opened(spec)

    monkeypatch.setattr(delivery, "open_source", unavailable_at_first)
    monkeypatch.setattr(nightly, "RETRY_DELAYS_S", [0, 0, 0])
    nightly.nightly(RunConfig(source=SOURCE, home=str(tmp_path), as_of=AS_OF))
    assert len(asked) == 2


@pytest.mark.parametrize("is_scheduled", [False, True])
def test_unreachable_source_is_asked_again_in_scheduled_runs_only(
    monkeypatch: pytest.MonkeyPatch, is_scheduled: bool
) -> None:
    """A person who has typed a wrong address learns of it at once."""
    from flows.nightly import may_help
    from schemas.errors import Unreachable

    class Failed:
        async def aresult(self) -> None:
            raise Unreachable("The source can't be reached.")

    monkeypatch.delenv("PREFECT__FLOW_RUN_ID", raising=False)
    if is_scheduled:
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "5ab00000-0000-0000-0000-000000000001")
    assert asyncio.run(may_help(None, None, Failed())) is is_scheduled


def test_a_source_that_is_wrong_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import nightly
    from flows.sources import delivery
    from schemas.errors import SourceError

    asked = []

    def wrong(spec: str) -> object:
        asked.append(spec)
        raise SourceError("There is no such folder.")

    monkeypatch.setattr(delivery, "open_source", wrong)
    monkeypatch.setattr(nightly, "RETRY_DELAYS_S", [0, 0, 0])
    with pytest.raises(SourceError, match="no such folder"):
        nightly.nightly(RunConfig(source=SOURCE, home=str(tmp_path), as_of=AS_OF))
    assert len(asked) == 1


def test_without_as_of_a_run_is_for_the_time_it_was_scheduled_for(tmp_path: Path) -> None:
    """Also when the same run is retried: a missed or failed run is made up for as of its own time."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun
    from prefect.flow_engine import run_flow
    from prefect.states import AwaitingRetry, Scheduled

    from flows.nightly import nightly

    scheduled = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    parameters = {"config": RunConfig(source=SOURCE, home=tmp_path)}

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


@pytest.mark.parametrize("fails", [False, True])
def test_prefect_receives_no_secret_of_a_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Parameters, logs, states and artifacts all are in its database; the source's name is all it needs."""
    import httpx

    from flows.nightly import nightly
    from flows.sources import registry
    from schemas.errors import SourceError
    from tests.helpers.extractions import source
    from tests.helpers.small_company import small_company
    from tests.learning360.test_secrets import output_text

    platform = small_company()
    if fails:
        platform.faults["/courses"] = lambda request, met: httpx.Response(403)
    monkeypatch.setitem(registry.SOURCES, "360learning", lambda _: source(platform))
    monkeypatch.setenv("PREFECT_LOGGING_EXTRA_LOGGERS", "httpx,httpcore,pathstats.run")
    home = tmp_path / "home"

    if fails:
        with pytest.raises(SourceError, match="courseStats:read"):
            nightly(RunConfig(source="360learning", home=str(home), as_of=AS_OF))
    else:
        assert nightly(RunConfig(source="360learning", home=str(home), as_of=AS_OF))["release_id"]
    assert output_text(home) == []
    folder = database().parent
    time.sleep(1)  # Logs and events are sent from threads.
    assert any(b"360learning" in file.read_bytes() for file in folder.iterdir())
    assert output_text(folder) == []
