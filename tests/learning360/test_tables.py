"""The input tables made of each list, as small tables that someone who knows the platform can read."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.helpers.extractions import delivered, extracted, rows
from tests.helpers.fake_platform import hex_id
from tests.helpers.small_company import (
    ADA,
    BEN,
    CAI,
    COURSE,
    EXAM,
    MAIL,
    PATH,
    QUIZ,
    ROOM,
    SESSION,
    SLOT,
    SUB_PATH,
    attempt,
    catalogued,
    enrollment,
    small_company,
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return extracted(small_company(), tmp_path_factory.mktemp("kept"))


def test_rows_belong_to_the_company(tables: dict[str, pl.DataFrame]) -> None:
    """No answer names it: it is a setting."""
    assert {name: set(table["company_id"]) for name, table in tables.items() if table.height} == {
        name: {"acme"} for name, table in tables.items() if table.height
    }


def test_users(tables: dict[str, pl.DataFrame]) -> None:
    assert rows(tables["users"], "user_id", "email", "first_name", "last_name", "status") == [
        (ADA, "ada@acme.example", "Ada", None, "active"),
        (BEN, "ben@acme.example", None, "Bow", "invited"),
        (CAI, None, None, None, "deleted"),
    ]


def test_paths_and_sessions(tables: dict[str, pl.DataFrame]) -> None:
    assert rows(tables["paths"], "path_id", "name", "mandatory_replay", "linear_progression") == [
        (PATH, "Onboarding", "false", "true")
    ]
    columns = ("session_id", "path_id", "name", "starts_at", "ends_at", "restarts_on_reenrollment")
    assert rows(tables["path_sessions"], *columns) == [
        (SESSION, PATH, "March", "2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z", "false")
    ]


def test_steps(tables: dict[str, pl.DataFrame]) -> None:
    columns = ("position", "step_id", "type", "optional", "due_basis", "due_unit", "due_value")
    assert rows(tables["path_steps"], *columns) == [
        (0, QUIZ, "course", "false", None, None, None),
        (1, COURSE, "course", "false", "enrollment", "week", "1.5"),
        (2, MAIL, "email", "false", None, None, None),
        (3, ROOM, "classroom", "true", None, None, None),
        (4, EXAM, "assessment", "false", None, None, None),
        (5, SUB_PATH, "path", "false", None, None, None),
    ]
    columns = ("min_score", "attempts_limit", "time_limit_mode", "time_limit_s", "is_scorm", "is_examination")
    assert [row[1:] for row in rows(tables["path_steps"], "position", *columns)] == [
        (None, "1", None, None, "true", "false"),
        ("80", "2", "maxTime", "1800", "false", "false"),
        (None, None, None, None, "false", "false"),
        (None, None, None, None, "false", "false"),
        ("60", None, None, None, "false", "true"),
        (None, None, None, None, "false", "false"),
    ]


def test_enrollments(tables: dict[str, pl.DataFrame]) -> None:
    assert rows(tables["enrollments"], "enrollment_id", "user_id", "enrolled_at", "archived_at") == [
        (hex_id(0x101), ADA, "2026-03-01T08:00:00.000Z", None),
        (hex_id(0x102), BEN, "2026-03-01T08:00:00.000Z", None),
        (hex_id(0x103), CAI, "2026-03-01T08:00:00.000Z", None),
        (hex_id(0x104), ADA, "2026-02-01T08:00:00.000Z", "2026-02-20T08:00:00.000Z"),
    ]
    assert set(tables["enrollments"]["session_id"]) == {SESSION}


def test_activity(tables: dict[str, pl.DataFrame]) -> None:
    """Ada was in the classroom and passed the exam; Ben was registered for it and did not come."""
    columns = ("step_id", "user_id", "session_id", "progress", "score", "time_spent_ms", "passed")
    assert rows(tables["step_activity"], *columns) == [
        (COURSE, ADA, SESSION, "100", "85", "60000", None),
        (COURSE, BEN, SESSION, "40", None, "60000", None),
        (QUIZ, CAI, SESSION, "100", "80", "60000", None),
        (ROOM, ADA, SESSION, "100", None, "5400000", None),
        (EXAM, ADA, SESSION, "100", "75", "0", "true"),
        (hex_id(0xCF), CAI, None, "100", "85", "60000", None),
    ]
    columns = ("step_id", "user_id", "started_at", "last_activity_at", "completed_at")
    assert rows(tables["step_activity"].filter(pl.col("step_id").is_in([ROOM, EXAM])), *columns) == [
        (ROOM, ADA, *["2026-03-05T09:00:00.000Z", *["2026-03-05T11:00:00.000Z"] * 2]),
        (EXAM, ADA, *["2026-03-06T10:00:00.000Z"] * 3),
    ]


def test_waivers(tables: dict[str, pl.DataFrame]) -> None:
    """Scores are whole: a threshold of 79.5 is reached by 80."""
    assert rows(tables["waivers"], "path_id", "step_id", "threshold", "waived_step_id") == [
        (PATH, QUIZ, "80", COURSE)
    ]


# Small things

DUE = {"relativeDate": {"unit": "day", "value": 0.5}}
# type, options, columns, what becomes of them
OPTIONS: list[tuple[str, dict[str, Any], str, tuple[Any, ...]]] = [
    # An assessment is never optional and has no due date.
    ("assessment", DUE | {"optional": True}, "optional due_unit due_value", ("false", None, None)),
    ("program", DUE | {"optional": True}, "optional due_unit due_value", ("true", "day", "0.5")),
    ("slackMessage", {"optional": True}, "type optional", ("slackMessage", "false")),
    ("course", {"minScore": 79.5}, "min_score", ("79.5",)),
    ("course", {"minScore": 0}, "min_score", ("0",)),
    ("course", {"attemptsLimit": 3.0}, "attempts_limit", ("3",)),
    # Never more attempts than were given, and never none.
    ("course", {"attemptsLimit": 2.9}, "attempts_limit", ("2",)),
    ("course", {"attemptsLimit": 0.5}, "attempts_limit", ("1",)),
    ("course", {"attemptsLimit": 0}, "attempts_limit", ("1",)),
    ("course", {}, "attempts_limit", (None,)),
    ("course", {"timeLimit": {"mode": "minTime", "value": 90.5}}, "time_limit_s", ("90.5",)),
    # A limit of 0 seconds means no limit.
    ("course", {"timeLimit": {"mode": "minTime", "value": 0}}, "time_limit_mode", (None,)),
    # An option that isn't known has no effect.
    ("course", {"relativeDate": {"unit": "year", "value": 1}}, "due_unit due_value", (None, None)),
    ("course", {"timeLimit": {"mode": "about", "value": 60}}, "time_limit_s", (None,)),
    ("course", {"optional": None, "minScore": None}, "optional min_score", ("false", None)),
]


def test_options_of_steps(tmp_path: Path) -> None:
    platform = small_company()
    platform.lists["paths"][0]["steps"] = [
        {"_id": hex_id(number), "type": kind, "options": options}
        for number, (kind, options, _, _) in enumerate(OPTIONS)
    ]
    steps = extracted(platform, tmp_path)["path_steps"].sort("position")
    for number, (_, _, columns, expected) in enumerate(OPTIONS):
        assert steps[number].select(columns.split()).row(0) == expected


def test_titles_and_scorm_come_from_the_lists_of_courses_classrooms_and_paths(tmp_path: Path) -> None:
    """An empty title counts as missing; assessments and programs have no list."""
    platform = small_company(page_size=1)
    platform.lists["paths"].append({"_id": SUB_PATH, "name": "Laws", "options": {}, "steps": []})
    platform.lists["courses"].append(catalogued("x1", type="external"))
    platform.lists["paths"][0]["steps"] += [
        {"_id": "x1", "type": "course", "options": {}},
        {"_id": "x2", "type": "course", "options": {}},
    ]
    steps = extracted(platform, tmp_path)["path_steps"]
    assert rows(steps, "position", "step_id", "title", "is_scorm") == [
        (0, QUIZ, "Hygiene, positioning", "true"),
        (1, COURSE, "Hygiene", "false"),
        (2, MAIL, None, "false"),
        (3, ROOM, "Fire drill", "false"),
        (4, EXAM, None, "false"),
        (5, SUB_PATH, "Laws", "false"),
        (6, "x1", None, "false"),
        (7, "x2", None, "false"),
    ]


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_null(tmp_path: Path, name: str) -> None:
    platform = small_company()
    for row in (
        platform.lists["paths"][0],
        platform.lists["paths/sessions"][0],
        platform.lists["courses"][0],
    ):
        row["name"] = name
    tables = extracted(platform, tmp_path)
    assert rows(tables["paths"], "path_id", "name") == [(PATH, None)]
    assert rows(tables["path_sessions"], "session_id", "name") == [(SESSION, None)]
    assert tables["path_steps"].filter(pl.col("step_id") == COURSE)["title"].to_list() == [None]


def test_child_sessions_and_all_waivers_of_a_quiz(tmp_path: Path) -> None:
    platform = small_company()
    sessions = [("b1", None), ("b2", "b1"), ("b3", "b1")]
    platform.lists["paths/sessions"] = [
        {"_id": name, "pathId": PATH} | ({"rootSessionId": root} if root else {}) for name, root in sessions
    ]
    thresholds = [
        {"thresholdValue": 50, "waivedStepIds": ["c1"]},
        {"thresholdValue": 100, "waivedStepIds": ["c1", "c2"]},
        {"thresholdValue": 100, "waivedStepIds": ["c2"]},
        {"thresholdValue": 0, "waivedStepIds": []},
    ]
    platform.lists["paths"][0]["steps"][0]["options"]["thresholds"] = thresholds
    found = extracted(platform, tmp_path)
    assert rows(found["child_sessions"], "session_id", "root_session_id") == [("b2", "b1"), ("b3", "b1")]
    assert rows(found["waivers"], "threshold", "waived_step_id") == [
        ("100", "c1"),
        ("100", "c2"),
        ("50", "c1"),
    ]


def test_sessions_that_enrol_again_and_attempts_without_some_of_their_fields(tmp_path: Path) -> None:
    platform = small_company()
    platform.lists["paths/sessions"] = [
        {"_id": name, "pathId": PATH} | again
        for name, again in (
            ("b1", {"automaticReenrollment": {"type": "pathCompletionDate", "delayDays": 90}}),
            ("b2", {"automaticReenrollment": True}),
            ("b3", {"automaticReenrollment": False}),
            ("b4", {"automaticReenrollment": None}),
            ("b5", {}),
        )
    ]
    begun, went_on, ended = (f"2026-03-0{day}T09:00:00.000Z" for day in (2, 3, 4))
    platform.lists["courses/stats"] = [
        {"_id": "a1", "userId": ADA, "courseId": COURSE, "firstActivityAt": begun},
        {"_id": "a2", "userId": ADA, "courseId": COURSE, "lastActivityAt": went_on, "progress": 40.0},
        {"_id": "a3", "userId": ADA, "courseId": COURSE, "completedAt": ended, "score": 66.7},
        {"_id": "a4", "userId": ADA, "courseId": COURSE, "progress": 0, "timeSpent": 0},
        attempt(5, ADA, firstActivityAt=begun, lastActivityAt=went_on, timeSpent=1500.5),
    ]
    tables = extracted(platform, tmp_path)
    assert rows(tables["path_sessions"], "session_id", "restarts_on_reenrollment") == [
        ("b1", "true"),
        ("b2", "true"),
        ("b3", "false"),
        ("b4", "false"),
        ("b5", "false"),
    ]
    columns = ("activity_id", "started_at", "last_activity_at", "progress", "score", "time_spent_ms")
    courses = tables["step_activity"].filter(pl.col("step_id") == COURSE)
    assert rows(courses, *columns) == [
        (hex_id(0x205), begun, went_on, "100", "85", "1501"),
        ("a1", begun, begun, "0", None, "0"),
        ("a2", went_on, went_on, "40", None, "0"),
        ("a3", ended, ended, "100", "66.7", "0"),
    ]


# Ada is enrolled in the path until 3 March, from 4 March in session B1, from 5 March in B2; in path X always.
@pytest.mark.parametrize("page_size", [1, 100])
def test_the_enrollment_an_attendance_is_given_to(tmp_path: Path, page_size: int) -> None:
    platform = small_company(page_size)
    platform.lists["paths"].append({"_id": "ffff", "name": "X", "options": {}, "steps": []})
    nine = "2026-03-0{}T09:00:00.000Z"
    platform.lists[f"paths/{PATH}/enrollments"] = [
        enrollment(1, ADA, sessionId="b0", createdAt=nine.format(1), archivedAt=nine.format(3)),
        enrollment(2, ADA, sessionId="b2", createdAt=nine.format(5)),
        enrollment(3, ADA, sessionId="b1", createdAt=nine.format(4)),
        enrollment(4, BEN, sessionId="bb", createdAt=nine.format(1)),
    ]
    platform.lists["paths/ffff/enrollments"] = [enrollment(5, ADA, sessionId="bx", createdAt=nine.format(1))]
    attended = {
        "s1": ("2026-03-02T09:00:00.000Z", PATH, "b0"),
        "s2": ("2026-03-03T09:00:00.000Z", PATH, None),  # the instant she was unenrolled
        "s3": ("2026-03-04T09:00:00.000Z", PATH, "b1"),  # the instant she was enrolled
        "s4": ("2026-03-04T08:59:59.999Z", PATH, None),
        "s5": ("2026-03-06T09:00:00.000Z", PATH, "b2"),  # of two valid ones, the one made last
        "s6": ("2026-03-06T09:00:00.000Z", "ffff", "bx"),
        "s7": ("2026-03-06T09:00:00.000Z", None, None),
    }
    platform.lists[f"classrooms/{ROOM}/slots"] = [
        {"_id": slot, "startDate": at, "endDate": at} for slot, (at, _, _) in attended.items()
    ]
    platform.lists[f"classrooms/{ROOM}/registrations"] = [
        {"userId": ADA, "classroomSlotId": slot, "hasAttended": True, "pathId": path}
        for slot, (_, path, _) in attended.items()
    ]
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(found, "activity_id", "user_id", "session_id") == [
        (f"{slot}-{ADA}", ADA, session) for slot, (_, _, session) in attended.items()
    ]


@pytest.mark.parametrize(
    ("context", "session"),
    [
        ({"type": "path", "_id": "b7"}, "b7"),  # also where the learner's enrollment is in another session
        ({"type": "program", "_id": "p1"}, SESSION),
        ({"type": "standalone", "_id": ROOM}, SESSION),
        (None, SESSION),
    ],
)
def test_context_of_a_slot_names_the_session_of_an_attendance(
    tmp_path: Path, context: dict[str, str] | None, session: str
) -> None:
    """Where it names none, the enrollment that contains the slot's start does."""
    platform = small_company()
    if context:
        platform.lists[f"classrooms/{ROOM}/slots"][0]["context"] = context
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(found, "user_id", "session_id") == [(ADA, session)]


def registered(number: int, user: str, **fields: Any) -> dict[str, Any]:
    made = {"_id": f"r{number}", "userId": user, "classroomSlotId": SLOT, "pathId": PATH, "hasAttended": True}
    return made | {"status": "archived" if "archivedAt" in fields else "published"} | fields


# The slot is from 9 to 11 o'clock on 5 March.
ARCHIVED = [
    ({}, True),
    ({"archivedAt": "2026-03-05T11:00:00.000Z"}, True),
    ({"archivedAt": "2026-03-06T08:00:00.000Z"}, True),
    ({"archivedAt": "2026-03-05T10:59:59.999Z"}, False),
    ({"archivedAt": "2026-03-01T08:00:00.000Z"}, False),
    ({"status": "archived"}, False),  # the date is unknown
]


@pytest.mark.parametrize(("fields", "counts"), ARCHIVED)
def test_attendance_counts_unless_it_was_archived_before_the_slot_ended(
    tmp_path: Path, fields: dict[str, str], counts: bool
) -> None:
    platform = small_company()
    platform.lists[f"classrooms/{ROOM}/registrations"] = [
        registered(1, ADA, **fields),
        registered(2, BEN, hasAttended=False, archivedAt="2026-03-06T08:00:00.000Z"),
    ]
    tables, warnings = delivered(platform, tmp_path)
    found = tables["step_activity"].filter(pl.col("step_id") == ROOM)
    assert found["user_id"].to_list() == [ADA] * counts
    expected = (
        "1 of 2 archived registrations for classroom slots are marked as attended: "
        f"{int(counts)} count, because they were archived after the slot's end; {int(not counts)} do not."
    )
    assert warnings == ([expected] if fields else [])


def test_learner_who_is_registered_again_attended_once(tmp_path: Path) -> None:
    platform = small_company()
    platform.lists[f"classrooms/{ROOM}/registrations"] = [
        registered(1, ADA, archivedAt="2026-03-06T08:00:00.000Z"),
        registered(2, ADA),
        registered(3, ADA, pathId=None),
    ]
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(found, "activity_id", "session_id") == [
        ("registration-r2", SESSION),
        ("registration-r3", None),
    ]
    platform.lists[f"classrooms/{ROOM}/slots"][0]["context"] = {"type": "path", "_id": SESSION}
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(found, "activity_id", "session_id") == [("registration-r2", SESSION)]


def test_registration_with_the_id_of_an_attempt_is_another_activity(tmp_path: Path) -> None:
    platform = small_company()
    attempt_id = platform.lists["courses/stats"][0]["_id"]
    platform.lists[f"classrooms/{ROOM}/registrations"] = [registered(1, ADA, _id=attempt_id)]
    activity = extracted(platform, tmp_path)["step_activity"]
    assert activity["activity_id"].n_unique() == activity.height == 6
    assert {ROOM, COURSE} <= set(activity["step_id"])


def test_the_time_of_an_attendance(tmp_path: Path) -> None:
    """The measured time, else the slot's hours, else how long it lasted."""
    platform = small_company()
    slot, registration = "reportedDuration", "attendanceDuration"
    times: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
        "r1": ({slot: 1.5}, {registration: 3_600_000}, "3600000"),
        "r2": ({slot: 1.5}, {}, "5400000"),
        "r3": ({}, {}, "7200000"),
        "r4": ({slot: 1.5}, {registration: 0}, "0"),
    }
    (nine_to_eleven,) = platform.lists[f"classrooms/{ROOM}/slots"]
    del nine_to_eleven[slot]
    came = {"userId": ADA, "hasAttended": True, "pathId": PATH}
    platform.lists[f"classrooms/{ROOM}/slots"] = [
        nine_to_eleven | {"_id": f"slot of {name}"} | reported for name, (reported, _, _) in times.items()
    ]
    platform.lists[f"classrooms/{ROOM}/registrations"] = [
        came | {"_id": name, "classroomSlotId": f"slot of {name}"} | measured
        for name, (_, measured, _) in times.items()
    ]
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(found, "activity_id", "time_spent_ms") == [
        (f"registration-{name}", expected) for name, (_, _, expected) in times.items()
    ]


def test_the_shapes_of_a_correction(tmp_path: Path) -> None:
    """From the list or from the webhook; an event of another type, or of no type, is not a correction."""
    platform = small_company()
    (events,) = (name for name in platform.lists if name.endswith("/events"))
    data = platform.lists[events][0]["payload"]["data"]
    corrected = {"type": "user.assessment.corrected", "timestamp": "2026-03-06T10:00:00.000Z"}
    platform.lists[events] = [
        {
            "_id": "msg_1",
            "status": "delivered",
            "payload": corrected | {"data": data | {"assessmentId": "x1"}},
        },
        corrected | {"_id": "msg_2", "data": data | {"assessmentId": "x2"}},
        data | {"assessmentId": "x3"},
        {"_id": "msg_4", "payload": data | {"assessmentId": "x4"}, "data": None},
        {"_id": "msg_5", "payload": {"type": "user.certificate.awarded", "data": data | {"score": 1}}},
    ]
    found = extracted(platform, tmp_path)["step_activity"].filter(pl.col("step_id").str.starts_with("x"))
    columns = ("step_id", "activity_id", "user_id", "session_id", "completed_at", "score", "passed")
    at = "2026-03-06T10:00:00.000Z"
    assert rows(found, *columns) == [
        (name, f"{name}-{ADA}-{hex_id(0x101)}-{at}", ADA, SESSION, at, "75", "true") for name in ("x1", "x2")
    ]
