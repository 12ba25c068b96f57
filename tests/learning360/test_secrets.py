"""The client's id and secret and its tokens are in no log, error, file or output, however a run ends."""

import gzip
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from flows.pipeline import run_pipeline
from flows.sources import registry
from schemas.errors import PathStatsError, SourceError
from tests.helpers.extractions import source
from tests.helpers.fake_platform import CLIENT_ID, SECRET, TOKENS, FakePlatform
from tests.helpers.one_run import AS_OF, Home, RunConfig
from tests.helpers.small_company import small_company

SECRETS = (CLIENT_ID, SECRET, "-never-said")
LISTS = ("oauth2", "paths$", "sessions", "enrollments", "courses", "classrooms$", "slots", "events", "users")
FAILURES = ("cuts the connection", "forbids", "breaks off")


def output_text(folder: Path, *texts: str) -> list[str]:
    """The secrets in the texts, or in any file of the folder."""
    contents = [text.encode() for text in texts]
    contents += [_content(file) for file in folder.rglob("*") if file.is_file()]
    return [secret for secret in SECRETS for content in contents if secret.encode() in content]


def _content(file: Path) -> bytes:
    if file.name.endswith(".gz"):
        return gzip.decompress(file.read_bytes())
    if file.name.endswith(".parquet"):
        return pl.read_parquet(file).write_ndjson().encode()
    return file.read_bytes()


@pytest.fixture
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def run_of(platform: FakePlatform, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SOURCES, "360learning", lambda _: source(platform))
    run_pipeline(RunConfig(source="360learning", home=Home(home), as_of=AS_OF))


def test_a_run_that_publishes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    everything_is_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    platform = small_company()
    # The token is rejected once and replaced, and the platform fails once: both are logged, too.
    platform.faults["/users$"] = lambda request, met: httpx.Response(500) if met == 0 else None
    platform.rejected_tokens = {TOKENS[0]}
    run_of(platform, tmp_path, monkeypatch)
    assert platform.tokens_given == 2
    assert any(file.name == "manifest.json" for file in tmp_path.rglob("*"))
    assert output_text(tmp_path, everything_is_logged.text, *capfd.readouterr()) == []


def _answers(request: httpx.Request) -> httpx.Response:
    """The worst a platform can do: it returns the request it was sent."""
    messages = f"{request.headers.get('Authorization')} {request.content!r}"
    return httpx.Response(
        400, json={"error": {"code": "badRequest", "message": messages}}, headers={"X": "y"}
    )


@pytest.mark.parametrize(
    ("pattern", "failure"),
    [
        *((pattern, "returns the request") for pattern in LISTS),
        *((pattern, failure) for pattern in ("oauth2", "users") for failure in FAILURES),
    ],
)
def test_a_run_that_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    everything_is_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    pattern: str,
    failure: str,
) -> None:
    def fail(request: httpx.Request, met: int) -> httpx.Response:
        if failure == "cuts the connection":
            raise httpx.ReadError(str(request.headers) + str(request.content))
        if failure == "breaks off":
            raise RuntimeError(f"a fault of our own with {request.headers} {request.content!r}")
        return _answers(request) if failure == "returns the request" else httpx.Response(403)

    platform = small_company()
    platform.faults[pattern] = fail
    with pytest.raises(PathStatsError) as raised:
        run_of(platform, tmp_path, monkeypatch)
    # The output of -v, of a run, of `pathstats status`, and the webhook's notification.
    shown = [str(raised.value)]
    if failure != "breaks off":
        shown += traceback.format_exception(raised.value)
    assert output_text(tmp_path, everything_is_logged.text, *capfd.readouterr(), *shown) == []
    assert (tmp_path / "failure.json").is_file()


def test_a_run_that_fails_after_the_platform_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, everything_is_logged: pytest.LogCaptureFixture
) -> None:
    platform = small_company()
    platform.lists["users"] = []
    with pytest.raises(SourceError, match="table users is empty"):
        run_of(platform, tmp_path, monkeypatch)
    assert output_text(tmp_path, everything_is_logged.text) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a page.ndjson.gz").write_bytes(gzip.compress(f"{SECRET} {TOKENS[7]}".encode()))
    assert output_text(tmp_path, CLIENT_ID) == [CLIENT_ID, SECRET, "-never-said"]
