"""Injected faults: repeatable, overcome by a third request, and tried over a real connection."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import httpx
import pytest

from sandbox.app import Sandbox
from sandbox.fault_injection import FAULTS, Faults, Misbehavior
from sandbox.platform import Platform
from sandbox.server import serving
from schemas.errors import UsageError
from tests.helpers.sandbox_client import CREDENTIALS, Client

ALL = Misbehavior(busy=0.1, error=0.1, cut=0.1, slow=0.1, expire=0.1)
URLS = [f"http://127.0.0.1/{number}" for number in range(500)]


def test_the_same_seed_gives_the_same_faults_in_any_order() -> None:
    one, other, third = Faults(ALL), Faults(ALL), Faults(replace(ALL, seed=2))
    met = {url: [one.next(url) for _ in range(4)] for url in URLS}
    assert met == {url: [other.next(url) for _ in range(4)] for url in reversed(URLS)} | met
    backwards = Faults(ALL)
    assert {url: [backwards.next(url) for _ in range(4)] for url in reversed(URLS)} == met
    assert {url: [third.next(url) for _ in range(4)] for url in URLS} != met


def test_every_fault_has_its_share_and_none_comes_three_times_in_a_row() -> None:
    faults = Faults(ALL)
    met = [[faults.next(url) for _ in range(20)] for url in URLS]
    firsts = Counter(row[0] for row in met)
    assert set(firsts) == {*FAULTS, None}
    assert all(20 < firsts[fault] < 90 for fault in FAULTS)
    assert not any(all(row[at : at + 3]) for row in met for at in range(18))
    # Busy comes twice.
    begins = [row[at : at + 2] for row in met for at in range(19) if row[at] == "busy" and not any(row[:at])]
    assert begins
    assert all(pair == ["busy", "busy"] for pair in begins)


def test_busy_platform_sends_how_long_to_wait(demo: Client) -> None:
    answer = demo.get("paths", **{"X-Sandbox-Misbehave": "busy"})
    assert (answer.status_code, answer.json()) == (429, {"error": "tooManyRequests"})
    assert answer.headers["retry-after"] == "1"


def test_an_error_is_worded_as_the_platform_does(demo: Client) -> None:
    answer = demo.get("paths", **{"X-Sandbox-Misbehave": "error"})
    assert answer.status_code == 500
    assert set(answer.json()["error"]) == {"code", "message"}


def test_a_token_that_was_used_is_revoked(demo: Client) -> None:
    for _ in range(40):
        assert demo.get("paths", **{"X-Sandbox-Misbehave": "expire"}).status_code == 200
    assert demo.get("paths", **{"X-Sandbox-Misbehave": "expire"}).json() == {"error": "invalid_token"}
    assert demo.get("paths").status_code == 401


def test_connections_are_cut_and_pages_pause(demo_platform: Platform) -> None:
    sandbox = Sandbox(demo_platform, misbehavior=Misbehavior(pause_s=0.3))
    with serving(sandbox.app()) as url, httpx.Client(base_url=url) as client:
        token = client.post("/api/v2/oauth2/token", json=CREDENTIALS).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "360-api-version": "v2.0"}
        whole = client.get("/api/v2/users", headers=headers)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/api/v2/users", headers=headers | {"X-Sandbox-Misbehave": "cut"})
        slow = client.get("/api/v2/users", headers=headers | {"X-Sandbox-Misbehave": "slow"})
        assert slow.elapsed.total_seconds() > 0.25
        assert slow.json() == whole.json()
        # Faults can be changed while it runs.
        assert client.post("/sandbox/misbehave", content="error=1").status_code == 200
        assert client.get("/api/v2/users", headers=headers).status_code == 500
        assert client.post("/sandbox/misbehave", content="errors=1").status_code == 400


def test_edited_rows_come_as_they_were_and_at_the_end_as_they_are(
    demo: Client, demo_platform: Platform
) -> None:
    moving = Client(Sandbox(demo_platform, misbehavior=Misbehavior(moving=0.2), limit=0))
    still, edited = demo.rows("courses/stats"), moving.rows("courses/stats")
    assert {row["_id"]: row for row in edited} == {row["_id"]: row for row in still}
    versions = Counter(row["_id"] for row in edited)
    assert max(versions.values()) > 1
    # As it is, an edited row is on a later page; each page before begins with the last row of the one before.
    pages = list(moving.pages("courses/stats"))
    assert len(pages) > 2
    assert all(len({row["_id"] for row in page}) == len(page) for page in pages)
    assert all(page[0] == before[-1] for before, page in pairwise(pages[:-2]))


def test_learner_unenrolled_during_the_reading_is_in_both_lists(demo_platform: Platform) -> None:
    moving = Client(Sandbox(demo_platform, misbehavior=Misbehavior(moving=0.5), limit=0))
    routes = moving.routes("paths/{pathId}/enrollments")
    archived = {it["_id"] for route in routes for it in moving.rows(f"{route}?status[eq]=archived")}
    published = [it for route in routes for it in moving.rows(f"{route}?status[eq]=published")]
    both = [it for it in published if it["_id"] in archived]
    assert both
    assert not any("archivedAt" in it for it in both)


@pytest.mark.parametrize("text", ["errors=0.1", "busy", "cut=often"])
def test_invalid_fault_is_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="is not a fault; give shares such as"):
        Misbehavior.of(text)
