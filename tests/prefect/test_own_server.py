"""The Prefect server that `pathstats schedule` starts: who gets an answer, and which runs it starts."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from schemas.manifest import Manifest
from tests.helpers.schedule_process import PrefectServer, Served


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, prefect_home: Callable[[Path], Path]
) -> Iterator[Served]:
    """A schedule after its first run. cron's smallest step is a minute."""
    folder = tmp_path_factory.mktemp("served")
    schedule = Served(folder, prefect_home(folder / "prefect"), "* * * * *", "--keep", "7")
    try:
        schedule.wait_until(lambda: "enrollments" in schedule.words)
        yield schedule
    finally:
        schedule.interrupted()


def test_a_schedule_runs_for_the_time_of_its_cron(served: Served) -> None:
    manifest = Manifest.read(served.home.latest / "manifest.json")
    assert datetime.fromisoformat(manifest.as_of).second == 0


def test_run_prints_a_line_with_its_figures(served: Served) -> None:
    line = next(line for line in served.words.splitlines() if "enrollments" in line)
    assert re.fullmatch(
        r"nightly-\d{4}-\d\d-\d\d: \d{8}T\d{6}Z-1, [\d,]+ enrollments, [\d.]+ s(; \d+ warnings)?", line
    )


@pytest.fixture
def server(served: Served) -> PrefectServer:
    process = served.server()
    assert process is not None
    return PrefectServer(process)


OF_A_BROWSER = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Host": "evil.example"},
    {"Host": "localhost"},
]


@pytest.mark.parametrize("headers", OF_A_BROWSER, ids=str)
def test_its_server_answers_no_web_page(server: PrefectServer, headers: dict[str, str]) -> None:
    """A page could start runs, and by --keep 1 delete releases."""
    for knows_secret in (False, True):
        with server.client(knows_secret=knows_secret) as client:
            for method, path in (("GET", "/health"), ("POST", "/deployments/filter"), ("OPTIONS", "/flows/")):
                answer = client.request(method, path, headers=headers)
                assert (answer.status_code, answer.text) == (403, "")
                assert not [name for name in answer.headers if name.startswith("access-control")]


def test_its_server_answers_another_user_nothing(server: PrefectServer) -> None:
    with server.client(knows_secret=False) as client:
        for path in ("/deployments/filter", "/flow_runs/filter", "/work_pools/filter"):
            assert client.post(path, json={}).status_code == 401
    with server.client(knows_secret=True) as client:
        assert client.post("/deployments/filter", json={}).status_code == 200


def test_the_server_s_secret_is_in_no_argument_and_no_file(served: Served, server: PrefectServer) -> None:
    secret = server.secret.partition(":")[2].encode()
    assert len(secret) > 40
    for process in (served.process.pid, served.server()):
        assert secret not in Path(f"/proc/{process}/cmdline").read_bytes()
    folder = served.home.root.parent
    assert not [file for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


@pytest.mark.parametrize(
    ("name", "value"),
    [("keep", 1), ("home", "elsewhere"), ("source", "files:elsewhere"), ("allow_shrink", True)],
)
def test_a_run_that_is_started_by_hand_can_t_choose(
    served: Served, server: PrefectServer, name: str, value: object
) -> None:
    with server.client(knows_secret=True) as client:
        (deployment,) = client.post("/deployments/filter", json={}).json()
        config = {**deployment["parameters"]["config"], name: value}
        asked = {"parameters": {"config": config}, "state": {"type": "SCHEDULED"}}
        run = client.post(f"/deployments/{deployment['id']}/create_flow_run", json=asked).json()
    served.wait_until(lambda: f"failed: A run can't choose {name};" in served.words)
    with server.client(knows_secret=True) as client:
        done = client.get(f"/flow_runs/{run['id']}").json()
    assert re.fullmatch(r"nightly-\d{4}-\d\d-\d\d", done["name"])
    assert not served.home.failure.exists()
