"""The sandbox's demo has the values that platforms send and simple examples lack."""

from typing import Any

from sandbox.app import Sandbox
from sandbox.platform import Platform
from sandbox.valid_tables import Tables
from sandbox.webhooks import SUBSCRIPTION
from tests.helpers.sandbox_client import Client
from tests.sandbox.conftest import NOW


def facts(client: Client) -> list[dict[str, Any]]:
    events = client.rows(f"webhooks/subscriptions/{SUBSCRIPTION}/events")
    return [event["payload"]["data"] for event in events]


def test_corrections_may_have_a_fraction_or_name_their_enrollment(demo: Client) -> None:
    corrections = facts(demo)
    scores = [fact["score"] for fact in corrections if "score" in fact]
    assert 0 < sum(score != int(score) for score in scores) < len(scores)
    assert 0 < sum("enrollmentId" in fact for fact in corrections) < len(corrections)
    enrollments = {row["_id"]: row for row in demo.documents("paths/{pathId}/enrollments")}
    for fact in corrections:
        if "enrollmentId" in fact:
            named = enrollments[fact["enrollmentId"]]
            assert (named["userId"], named["sessionId"]) == (fact["userId"], fact["sessionId"])


def test_only_enrollments_that_were_never_modified_lack_the_time(demo: Client) -> None:
    enrollments = demo.documents("paths/{pathId}/enrollments")
    without = [row for row in enrollments if "modifiedAt" not in row]
    assert 0 < len(without) < len(enrollments)
    assert {row["status"] for row in without} == {"published"}


def test_slots_have_every_kind_of_context(demo: Client) -> None:
    slots = demo.documents("classrooms/{classroomId}/slots")
    assert {slot["context"]["type"] for slot in slots} == {"path", "program", "standalone"}
    sessions = {row["_id"] for row in demo.rows("paths/sessions")}
    assert {slot["context"]["_id"] for slot in slots if slot["context"]["type"] == "path"} <= sessions


def test_registrations_are_archived_before_and_after_the_slot_has_ended(demo: Client) -> None:
    ends = {slot["_id"]: slot["endDate"] for slot in demo.documents("classrooms/{classroomId}/slots")}
    registrations = demo.documents("classrooms/{classroomId}/registrations")
    archived = [row for row in registrations if row["status"] == "archived"]
    assert all(row["hasAttended"] for row in archived)
    assert {row["archivedAt"] < ends[row["classroomSlotId"]] for row in archived} == {True, False}


def test_names_may_be_empty(demo: Client) -> None:
    for route in ("paths/sessions", "courses"):
        assert 0 < sum(row["name"] == "" for row in demo.rows(route)) < len(demo.rows(route))


def test_courses_may_be_scorm_and_attempts_limits_may_have_a_fraction(demo: Client) -> None:
    assert {row["type"] for row in demo.rows("courses")} == {"native", "elearning standard", "external"}
    steps = [step for path in demo.rows("paths") for step in path["steps"]]
    limits = {step["options"].get("attemptsLimit", 1) % 1 for step in steps}
    assert limits == {0, 0.5}


def test_a_quiz_can_be_tried_once_and_has_no_least_score(rare: Client) -> None:
    steps = [step for path in rare.rows("paths") for step in path["steps"]]
    quizzes = [step["options"] for step in steps if step.get("subtype") == "quiz"]
    assert quizzes
    assert all(
        quiz["attemptsLimit"] == 1 and quiz["thresholds"] and "minScore" not in quiz for quiz in quizzes
    )


def test_subscriptions_are_of_several_types_and_one_is_inactive_on_request(
    demo: Client, demo_tables: Tables
) -> None:
    active = demo.rows("webhooks/subscriptions")
    assert len({row["eventType"] for row in active}) == len(active) > 1
    assert {row["status"] for row in active} == {"active"}
    failing = Client(Sandbox(Platform(demo_tables, NOW, is_active=False), limit=0))
    assert failing.get(f"webhooks/subscriptions/{SUBSCRIPTION}").json()["status"] == "inactive"
    assert [row["_id"] for row in failing.rows("webhooks/subscriptions") if row["status"] == "inactive"] == [
        SUBSCRIPTION
    ]
    other = next(row for row in active if row["eventType"] == "path.session.users.enrolled")
    events = demo.rows(f"webhooks/subscriptions/{other['_id']}/events")
    assert {event["payload"]["type"] for event in events} == {"path.session.users.enrolled"}
