"""`pathstats check 360learning`: what is missing, in seconds."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from flows.sources.learning360 import preflight
from flows.sources.learning360.preflight import Probe, probe
from pathstats.cli.main import app
from schemas.errors import SourceError, SourceUnavailable
from tests.helpers import virtual_time
from tests.helpers.extractions import settings
from tests.helpers.fake_platform import CLIENT_ID, SECRET, FakePlatform, hex_id
from tests.helpers.small_company import NO_SUBSCRIPTION, PATH, SUBSCRIPTION, small_company
from tests.learning360.test_corrections import STATES


def probed(platform: FakePlatform, **changes: object) -> dict[str, tuple[str, int | None]]:
    found = probe(settings(**changes), platform.transport, virtual_time.run)
    return {one.list: (one.answer, one.rows) for one in found}


def test_every_list_is_tried_with_its_first_page_only() -> None:
    platform = small_company()
    assert probed(platform) == {
        "paths": ("readable", 1),
        "sessions": ("readable", 1),
        "enrollments": ("readable", 2),
        "courses": ("readable", 2),
        "catalog": ("readable", 2),
        "classrooms": ("readable", 1),
        "slots": ("readable", 1),
        "registrations": ("readable", 2),
        "subscription": ("readable", 1),
        "corrections": ("readable", 1),
        "users": ("readable", 2),
        "stats": ("readable", 0),
    }
    assert len(platform.asked) == 12


def test_skipped_lists_and_lists_without_rows_are_reported() -> None:
    platform = small_company()
    platform.lists["paths"] = []
    found = probed(platform, skip="classrooms", subscription=None)
    assert found["enrollments"] == ("nothing to try it on", None)
    assert found["corrections"] == ("nothing to try it on", None)
    assert {found[name] for name in ("classrooms", "slots", "registrations")} == {("skipped", None)}


def test_missing_scopes_are_all_reported() -> None:
    platform = small_company()
    forbidden = httpx.Response(403, json={"error": {"code": "invalidScope", "message": "no"}})
    for pattern in ("/users", "/courses/stats", "/classrooms"):
        platform.faults[pattern] = lambda request, met: forbidden
    platform.faults["/sessions"] = lambda request, met: httpx.Response(200, text="<html>")
    found = {one.list: one for one in probe(settings(), platform.transport, virtual_time.run)}
    missing = {one.scope for one in found.values() if one.answer == "missing scope"}
    assert missing == {"users:read", "courseStats:read", "classrooms:read"}
    assert found["sessions"].answer == "failed"
    assert found["sessions"].fault is not None
    assert "not JSON" in found["sessions"].fault
    assert found["enrollments"].answer == "readable"


def probe_of(platform: FakePlatform, name: str, **changes: object) -> Probe:
    found = probe(settings(**changes), platform.transport, virtual_time.run)
    return next(one for one in found if one.list == name)


@pytest.mark.parametrize(("state", "sentence"), STATES)
def test_subscription_that_brings_nothing_is_a_fault(state: dict[str, str], sentence: str) -> None:
    platform = small_company()
    assert not probe_of(platform, "subscription").is_fault
    platform.objects[f"webhooks/subscriptions/{SUBSCRIPTION}"] |= state
    found = probe_of(platform, "subscription")
    assert (found.answer, found.is_fault) == ("failed", True)
    assert sentence in str(found.fault)
    assert probe_of(platform, "corrections").answer == "readable"


@pytest.mark.parametrize(
    "rejection",
    [httpx.Response(403, json={"error": {"code": "invalid_scope", "message": "no"}}), httpx.Response(404)],
)
def test_list_that_a_run_can_do_without_is_a_warning(rejection: httpx.Response) -> None:
    platform = small_company()
    platform.faults["/courses$"] = lambda request, met: rejection
    found = probe_of(platform, "catalog")
    assert (found.scope, found.is_fault) == ("courses:read", False)
    assert found.warning == (
        "The list catalog can't be read: the client lacks the scope courses:read, or the platform has no "
        "such list. Without it, time limits apply to SCORM "
        'courses too, and courses have no titles. Grant the scope, or set skip = ["catalog"].'
    )


@pytest.mark.parametrize("code", ["subscriptionNotFound", None])
def test_subscription_that_does_not_exist_is_named_and_no_scope_is_asked_for(code: str | None) -> None:
    platform = small_company()
    body = {"error": {"code": code, "message": "no"}} if code else {}
    platform.faults["/webhooks/subscriptions"] = lambda request, met: httpx.Response(404, json=body)
    for name in ("subscription", "corrections"):
        found = probe_of(platform, name)
        assert (found.answer, found.fault, found.warning) == ("failed", NO_SUBSCRIPTION, None)


def test_subscription_that_is_kept_to_itself_is_a_warning_where_its_events_are_readable() -> None:
    platform = small_company()
    platform.objects.clear()
    found = probe_of(platform, "subscription")
    assert (found.is_fault, "it is unknown whether corrections are sent" in str(found.warning)) == (
        False,
        True,
    )


def test_corrections_that_nothing_brings_are_a_warning_where_paths_have_assessments(tmp_path: Path) -> None:
    platform = small_company()
    path = platform.lists["paths"][0]
    # One step in two paths is one step.
    platform.lists["paths"].append(path | {"_id": hex_id(0xA2)})
    lost = probe_of(platform, "corrections", subscription=None)
    assert (lost.answer, lost.is_fault) == ("nothing to try it on", False)
    assert lost.warning == (
        "No corrections are read, and 1 of the steps on the first page of paths are assessments: their "
        "learners stay awaitingCorrection. Set subscription or corrections_file, or skip = "
        '["assessments"].'
    )
    file = tmp_path / "events.ndjson"
    for changes in ({"subscription": None, "corrections_file": file}, {"skip": "assessments"}, {}):
        assert probe_of(platform, "corrections", **changes).warning is None
    platform.lists["paths"] = [path | {"steps": path["steps"][:2]}]
    assert probe_of(platform, "corrections", subscription=None).warning is None


def test_check_does_not_wait_for_a_slow_platform() -> None:
    platform = small_company()
    platform.faults["oauth2"] = lambda request, met: httpx.Response(503)
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        probed(platform)
    assert platform.at[-1] - platform.at[0] < 3
    with pytest.raises(SourceError, match="does not know the client"):
        probed(small_company(), client_secret="wrong")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    for name, value in (("COMPANY_ID", "acme"), ("CLIENT_ID", CLIENT_ID), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"PATHSTATS_360LEARNING_{name}", value)
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_the_command(command: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = [Probe("paths", "paths:read", "readable", rows=3)]
    monkeypatch.setattr(preflight, "probe", lambda _: answered)
    shown = command.invoke(app, ["check", "360learning"])
    assert (shown.exit_code, "A run can read all of it." in shown.stdout) == (0, True)
    lacks = "The client may not read the list users: it lacks the scope users:read."
    lost = "The list catalog can't be read."
    answered.append(Probe("catalog", "courses:read", "missing scope", warning=lost))
    shown = command.invoke(app, ["check", "360learning"])
    assert (shown.exit_code, f"warning {lost}" in shown.stdout) == (0, True)
    assert "A run can read all of it." not in shown.stdout
    answered.append(Probe("users", "users:read", "missing scope", fault=lacks))
    shown = command.invoke(app, ["check", "360learning"])
    assert (shown.exit_code, lacks in shown.stdout) == (3, True)
    assert "A run can read all of it." not in shown.stdout
    messages = command.invoke(app, ["check", "360learning", "--json"])
    assert messages.exit_code == 3
    assert [one["answer"] for one in json.loads(messages.stdout)["lists"]] == [
        "readable",
        "missing scope",
        "missing scope",
    ]
    assert PATH not in messages.stdout


def test_the_command_without_settings(command: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATHSTATS_360LEARNING_CLIENT_SECRET")
    done = command.invoke(app, ["check", "360learning"])
    assert done.exit_code == 2
    assert "client_secret is missing" in done.stderr
    assert CLIENT_ID not in done.stderr
