"""Headers that name the release, and 304 for clients that have the response already."""

import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import pytest

from flows.release.publish import switch_latest
from pathstats.endpoint import keys
from pathstats.endpoint.app import Serving, create_app
from schemas.home import Home
from schemas.manifest import Manifest
from tests.endpoint.conftest import STATS
from tests.helpers.app_in_process import InProcess
from tests.helpers.home_with_releases import runs
from tests.helpers.one_run import as_parquet, latest, run, small_world
from tests.helpers.server_process import Headers, Server, asking

ANSWERS = [f"{STATS}/u1", STATS, f"{STATS}/users"]
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_carry_their_release(server: Server, acme: Headers, path: str) -> None:
    headers = server.client.get(path, headers=acme).headers
    manifest = Manifest.read(latest(server.home.root).manifest)
    assert headers["consistent-through"] == "2026-03-10T00:00:00.000Z"
    made = datetime.fromisoformat(manifest.created_at).replace(microsecond=0)
    assert parsedate_to_datetime(headers["last-modified"]) == made
    assert headers["etag"].startswith(f'"{manifest.release_id}.')
    assert headers["cache-control"] == "private, no-cache"
    assert {"X-company-id", "X-apiKey"} <= set(headers["vary"].split(", "))


@pytest.mark.parametrize("path", ANSWERS)
def test_client_with_the_etag_gets_not_modified(server: Server, acme: Headers, path: str) -> None:
    first = server.client.get(path, headers=acme).headers
    etag, made = first["etag"], parsedate_to_datetime(first["last-modified"])

    def status(**asked: str) -> int:
        answer = server.client.get(
            path, headers={**acme, **{name.replace("_", "-"): text for name, text in asked.items()}}
        )
        if answer.status_code == 304:
            assert answer.content == b""
            for name in ("etag", "last-modified", "consistent-through", "cache-control", "vary"):
                assert answer.headers[name] == first[name]
        return answer.status_code

    def day(moment: datetime) -> str:
        return format_datetime(moment, usegmt=True)

    assert status(if_none_match=etag) == 304
    assert status(if_none_match=f'"x", W/{etag} ,"y"') == 304
    assert status(if_none_match="*") == 304
    assert status(if_none_match='"x"') == 200
    assert status(if_none_match=etag.strip('"')) == 200
    assert status(if_modified_since=first["last-modified"]) == 304
    assert status(if_modified_since=day(made + timedelta(days=1))) == 304
    assert status(if_modified_since=day(made - timedelta(seconds=1))) == 200
    assert status(if_modified_since="yesterday") == 200
    assert status(if_modified_since="Thu, 99 Feb 99999 99:99:99 GMT") == 200
    # The tag is the better witness (RFC 9110, 13.1.3).
    assert status(if_none_match='"x"', if_modified_since=first["last-modified"]) == 200
    head = server.client.head(path, headers={**acme, "If-None-Match": etag})
    assert (head.status_code, head.headers["etag"]) == (304, etag)


def test_missing_resource_is_never_not_modified(server: Server, acme: Headers) -> None:
    for path in (f"{STATS}/nobody", "/api/v1/paths/sessions/nowhere/stats/users"):
        answer = server.client.get(path, headers={**acme, "If-None-Match": "*"})
        assert answer.status_code == 404
        assert "etag" not in answer.headers


def test_rollback_changes_the_etag(own_home: Home) -> None:
    """The older release was made before what was answered last."""
    home = own_home
    older, newer = runs(home, 11, 12)
    headers = asking("acme", keys.create(home, "acme", "", NOW)[1])
    client = InProcess(create_app(Serving(home)))
    tags = {}
    for release_id in (older, newer, older):
        switch_latest(home, release_id)
        answer = client.get(f"{STATS}/u1", headers=headers)
        assert answer.headers["consistent-through"] == f"2026-03-{release_id[6:8]}T00:00:00.000Z"
        tags[release_id] = answer.headers
    assert tags[older]["etag"] != tags[newer]["etag"]
    since = {**headers, "If-Modified-Since": tags[newer]["last-modified"]}
    assert client.get(f"{STATS}/u1", headers=since).status_code == 200
    seen = {**headers, "If-None-Match": tags[newer]["etag"]}
    assert client.get(f"{STATS}/u1", headers=seen).status_code == 200
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert client.get(STATS, headers={**headers, "If-Modified-Since": tomorrow}).status_code == 304


def test_rebuilt_home_changes_the_etag(tmp_path: Path) -> None:
    """Its releases have the same ids, also under a server that runs on."""
    home, answers = Home(tmp_path / "home"), []
    client = InProcess(create_app(Serving(home)))
    for world in (small_world(), {**small_world(), "step_activity": []}):
        shutil.rmtree(home.root, ignore_errors=True)
        run(as_parquet(tmp_path / "in", world), home.root)
        assert latest(home.root).folder.name == "20260310T000000Z-1"
        headers = asking("acme", keys.create(home, "acme", "", NOW)[1])
        answers.append(client.get(f"{STATS}/u1", headers=headers))
    assert [answer.json()["progress"] for answer in answers] == [50, 0]
    assert answers[0].headers["etag"] != answers[1].headers["etag"]
