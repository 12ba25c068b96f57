"""A webhook is notified of an incident, by real requests to a server on loopback."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.ops import notifications
from flows.ops.notifications import Webhook
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.warehouse.thresholds import NO_THRESHOLDS
from pathstats.cli.render.console import failure_sentences
from schemas.errors import HomeBusy, HomeUnwritable, PathStatsError, SourceError, UsageError
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_parquet, small_world
from tests.helpers.shell import pathstats
from tests.helpers.webhook_receiver import TOKEN, Receiver, files_with_the_token


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _straight_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PATHSTATS_NOTIFY_URL", raising=False)


class Runs:
    """Runs in one home: their source is sound unless it is broken; each is a day after the one before."""

    def __init__(self, folder: Path) -> None:
        self.source = as_parquet(folder / "source", small_world())
        self.home = Home(folder / "home")
        self._as_of = AS_OF

    def sound(self, receiver: Receiver | None) -> str:
        return self._one(self.source, receiver)

    def broken(self, receiver: Receiver | None, why: str = "nowhere") -> str:
        with pytest.raises(SourceError, match=why):
            self._one(self.source.parent / why, receiver)
        return self._as_of.isoformat()

    def _one(self, source: Path, receiver: Receiver | None) -> str:
        self._as_of += timedelta(days=1)
        run_pipeline(
            RunConfig(
                source=f"files:{source}",
                home=self.home,
                as_of=self._as_of,
                notify_url=receiver.url if receiver else None,
                **NO_THRESHOLDS.model_dump(),
            )
        )
        return self._as_of.isoformat()


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_first_cause_is_sent_once_and_then_the_recovery(runs: Runs, receiver: Receiver) -> None:
    first = runs.broken(receiver, "first_cause")
    runs.broken(receiver, "second_cause")
    runs.broken(receiver, "third_cause")
    failed = receiver.taken[-1]
    published = runs.sound(receiver)
    runs.sound(receiver)
    assert receiver.events == ["failed", "recovered"]
    assert set(failed) == {"event", "incident", "at", "as_of", "exit_code", "message"}
    assert (failed["as_of"], failed["exit_code"]) == (first, 3)
    assert failed["message"].endswith("first_cause: the folder does not exist.")
    recovered = receiver.taken[-1]
    assert (recovered["as_of"], recovered["exit_code"]) == (published, 0)
    assert recovered["incident"] == failed["incident"] == failed["at"]
    assert datetime.fromisoformat(failed["at"]) < datetime.fromisoformat(recovered["at"])


def test_next_incident_is_sent_again(runs: Runs, receiver: Receiver) -> None:
    for _ in range(2):
        runs.broken(receiver)
        runs.sound(receiver)
    assert receiver.events == ["failed", "recovered"] * 2


def test_runs_without_a_failure_or_webhook_send_nothing(runs: Runs, receiver: Receiver) -> None:
    runs.sound(receiver)
    runs.broken(None)
    runs.sound(receiver)
    assert receiver.asked == 0


def test_status_knows_the_first_failure_and_the_last(runs: Runs) -> None:
    runs.broken(None, "first_cause")
    only = failure_sentences(json.loads(runs.home.failure.read_text("utf-8")))
    runs.broken(None, "second_cause")
    runs.broken(None, "third_cause")
    note = json.loads(runs.home.failure.read_text("utf-8"))
    last, first = failure_sentences(note)
    assert len(only) == 1
    assert "The last run failed at" in last
    assert "third_cause" in last
    assert "The first of 3 to fail was at" in first
    assert "first_cause" in first


def test_unreachable_receiver_is_one_warning_and_gets_the_next_failure(
    runs: Runs, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    down = Receiver()
    down.close()
    first = runs.broken(down, "first_cause")
    output = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert output == ["The notification that the run failed was not delivered: ConnectError."]
    runs.broken(receiver, "second_cause")
    assert [(notification["event"], notification["as_of"]) for notification in receiver.taken] == [
        ("failed", first)
    ]


def test_undelivered_recovery_is_sent_by_the_next_run(runs: Runs, receiver: Receiver) -> None:
    runs.broken(receiver)
    receiver.answers = [404]
    runs.sound(receiver)
    assert receiver.events == ["failed"]
    runs.sound(receiver)
    assert receiver.events == ["failed", "recovered"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_receiver_that_may_take_it_later_is_asked_again(
    runs: Runs, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    runs.broken(receiver)
    assert (receiver.asked, receiver.events) == (2, ["failed"])


def test_a_receiver_is_left_alone_for_as_long_as_it_asks(runs: Runs, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": "3"}
    start = time.monotonic()
    runs.broken(receiver)
    assert receiver.events == ["failed"]
    assert time.monotonic() - start >= 3


@pytest.mark.parametrize("status", [400, 404, 302])
def test_a_receiver_that_rejects_is_asked_once_a_run(runs: Runs, receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    runs.broken(receiver)
    assert (receiver.asked, receiver.events) == (1, [])


@pytest.mark.parametrize(("answer_within_s", "give_up_after_s"), [(0.2, 20.0), (10, 0.2)])
def test_slow_receiver_delays_no_run(
    runs: Runs,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    answer_within_s: float,
    give_up_after_s: float,
) -> None:
    """Each wait has its limit, and so has the whole; a receiver that has read it gets no second one."""
    monkeypatch.setattr(notifications, "_ANSWER_WITHIN_S", answer_within_s)
    monkeypatch.setattr(notifications, "_GIVE_UP_AFTER_S", give_up_after_s)
    receiver.slow_s = 4
    start = time.monotonic()
    runs.broken(receiver)
    assert time.monotonic() - start < 4
    assert receiver.asked <= 1
    assert not runs.home.notified.exists()


def test_busy_home_is_not_an_incident_and_keeps_the_running_run_s_state(
    runs: Runs, receiver: Receiver
) -> None:
    from filelock import FileLock

    runs.broken(receiver)
    before = runs.home.failure.read_bytes(), runs.home.notified.read_bytes()
    with FileLock(runs.home.lock), pytest.raises(HomeBusy):
        runs.sound(receiver)
    assert (runs.home.failure.read_bytes(), runs.home.notified.read_bytes()) == before
    assert receiver.asked == 1


def test_unwritable_home_is_notified_by_each_run(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "file").write_text("")
    plan = RunConfig(
        source="demo:learners=200",
        home=Home(tmp_path / "file" / "home"),
        as_of=AS_OF,
        notify_url=receiver.url,
    )
    for _ in range(2):
        with pytest.raises(HomeUnwritable):
            run_pipeline(plan)
    assert receiver.events == ["failed", "failed"]


def test_a_panic_is_a_failure_like_any(
    runs: Runs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars as pl

    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("grace.hopper@example.org")

    monkeypatch.setattr("flows.pipeline.transform", panic)
    with pytest.raises(PathStatsError, match="PanicException"):
        runs.sound(receiver)
    assert receiver.events == ["failed"]
    assert "grace" not in receiver.taken[0]["message"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_incident_survives_a_kill_during_the_notification(runs: Runs, receiver: Receiver, when: str) -> None:
    """Killed before the notification is sent or noted: the next failure sends the first cause."""
    code = f"""
import os, pathlib
from flows.ops import notifications
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.warehouse.thresholds import NO_THRESHOLDS
from schemas.home import Home
from tests.helpers.one_run import AS_OF
post = notifications._post
def fatal(webhook, notification):
    {"post(webhook, notification)" if when == "after" else ""}
    os.kill(os.getpid(), 9)
notifications._post = fatal
home = Home(pathlib.Path({str(runs.home.root)!r}))
run_pipeline(
    RunConfig(source="files:first_cause", home=home, as_of=AS_OF, notify_url={receiver.url!r})
)
"""
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    runs.broken(receiver, "second_cause")
    runs.broken(receiver, "third_cause")
    assert receiver.events == ["failed"] * (2 if when == "after" else 1)
    assert {notification["message"].partition(":")[0] for notification in receiver.taken} == {"first_cause"}
    assert len({notification["incident"] for notification in receiver.taken}) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"first": 1}', ""])
def test_a_note_that_can_t_be_read_is_not_known(runs: Runs, receiver: Receiver, text: str) -> None:
    runs.home.root.mkdir()
    runs.home.failure.write_text(text)
    runs.home.notified.write_text(text)
    runs.broken(receiver)
    runs.sound(receiver)
    assert receiver.events == ["failed", "recovered"]


@pytest.mark.parametrize("address", ["T0P-s3cret", "ftp://T0P-s3cret/x", "http://", "http://x:T0P-s3cret/"])
def test_invalid_address_is_reported_without_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is invalid; write https") as rejected:
        Webhook(address)
    assert TOKEN not in str(rejected.value)
    monkeypatch.setenv("PATHSTATS_NOTIFY_URL", address)
    assert Webhook.of(RunConfig()) is None


# From the shell: the address contains a token, which may be printed nowhere.


def shell(receiver: Receiver, *arguments: str, by_option: bool) -> tuple[int, str]:
    """The exit code, and the whole output."""
    ours = ("PATHSTATS", "PREFECT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept |= {"NO_PROXY": "127.0.0.1", "COLUMNS": "120"}
    by = ["--notify", receiver.url] if by_option else []
    if not by_option:
        kept["PATHSTATS_NOTIFY_URL"] = receiver.url
    done = pathstats(*arguments, *by, env=kept)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("by_option", [True, False], ids=["--notify", "by the environment"])
def test_address_is_printed_nowhere(tmp_path: Path, receiver: Receiver, by_option: bool) -> None:
    source = as_parquet(tmp_path / "source", small_world())
    home = str(tmp_path / "home")
    direct = ("--home", home, "--direct", "-v")
    nowhere = ("run", "--source", "files:nowhere", *direct)
    receiver.answers = [400]
    code, output = shell(receiver, *nowhere, by_option=by_option)
    assert (code, TOKEN in output) == (3, False)
    assert "was not delivered: HTTP 400" in output
    code, again = shell(receiver, *nowhere, by_option=by_option)
    assert (code, TOKEN in again, "not delivered" in again) == (3, False, False)
    sound = ("run", "--source", f"files:{source}", *direct)
    code, recovered = shell(receiver, *sound, by_option=by_option)
    assert (code, TOKEN in recovered) == (0, False)
    assert receiver.events == ["failed", "recovered"]
    assert not files_with_the_token(tmp_path)


def test_wrong_address_is_reported_at_once_without_it(tmp_path: Path, receiver: Receiver) -> None:
    run = ("run", "--source", "demo:learners=200", "--direct", "--home", str(tmp_path / "home"))
    code, output = shell(receiver, *run, "--notify", f"slack:{TOKEN}", by_option=False)
    assert (code, TOKEN in output) == (2, False)
    assert output.startswith("pathstats: The address in --notify or PATHSTATS_NOTIFY_URL is invalid")


def test_deadline_applies_when_names_do_not_resolve(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "_GIVE_UP_AFTER_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(4))
    start = time.monotonic()
    assert not notifications._delivered(Webhook("https://hooks.example.org/x"), {"event": "failed"})
    assert time.monotonic() - start < 4
