"""The API as its description has it, as data: endpoints, page sizes, scopes, fields; nothing of our code."""

import re
from dataclasses import dataclass, field
from typing import Any

ID = re.compile(r"[0-9a-f]{24}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
COMMON_OPTIONS = {
    "optional": bool,
    "relativeDate?": {"unit": ("day", "week", "month"), "value": (0.01, 1000)},
}
# What each type of step has as options.
STEP_OPTIONS: dict[str, dict[str, Any]] = {
    "course": {
        **COMMON_OPTIONS,
        "timeLimit?": {"mode": ("maxTime", "minTime"), "value": float},
        "minScore?": int,
        "attemptsLimit?": int,
        "thresholds?": [{"thresholdValue": int, "waivedStepIds": [ID]}],
    },
    "classroom": COMMON_OPTIONS,
    "path": COMMON_OPTIONS,
    "program": COMMON_OPTIONS,
    "assessment": {"isExamination": bool, "minScore?": int},
    "email": {},
    "slackMessage": {},
    "teamsMessage": {},
}


@dataclass(frozen=True)
class Endpoint:
    """fields: name, with `?` where it may be absent, and its type.

    filters: those that the description names; dates are compared without milliseconds.
    """

    route: str
    page_size: int
    scope: str
    fields: dict[str, Any]
    filters: tuple[str, ...] = field(default=())


ENDPOINTS = (
    Endpoint(
        "paths",
        200,
        "paths:read",
        {
            "_id": ID,
            "name": str,
            "status": ("published", "archived"),
            "createdAt": TIME,
            "modifiedAt": TIME,
            "options": {"mandatoryReplay": bool, "linearProgression": bool},
            "steps": [{"_id": ID, "type": tuple(STEP_OPTIONS), "subtype?": ("quiz",), "options?": dict}],
        },
        ("createdAt", "modifiedAt", "status"),
    ),
    Endpoint(
        "paths/sessions",
        500,
        "paths:read",
        {
            "_id": ID,
            "pathId": ID,
            "name": str,
            "createdAt": TIME,
            "modifiedAt": TIME,
            "startDate": TIME,
            "endDate?": TIME,
            "rootSessionId?": ID,
            "automaticReenrollment": bool,
        },
        ("createdAt", "modifiedAt", "startDate", "endDate"),
    ),
    Endpoint(
        "paths/{path}/enrollments",
        5_000,
        "paths:read",
        {
            "_id": ID,
            "sessionId": ID,
            "userId": ID,
            "status": ("published", "archived"),
            "createdAt": TIME,
            "modifiedAt": TIME,
            "archivedAt?": TIME,
            "isSelfEnrolled": bool,
        },
        ("status", "createdAt", "modifiedAt"),
    ),
    Endpoint(
        "courses/stats",
        500,
        "courseStats:read",
        {
            "_id": ID,
            "userId": ID,
            "courseId": ID,
            "pathSessionId?": ID,
            "progress": (0, 100),
            "score?": (0, 100),
            "timeSpent": int,
            "firstActivityAt": TIME,
            "lastActivityAt": TIME,
            "completedAt?": TIME,
        },
        ("completedAt", "courseId", "userId"),
    ),
    Endpoint("classrooms", 500, "classrooms:read", {"_id": ID, "name": str}),
    Endpoint(
        "classrooms/{classroom}/slots",
        100,
        "classrooms:read",
        {"_id": ID, "startDate": TIME, "endDate": TIME, "reportedDuration": float},
    ),
    Endpoint(
        "classrooms/{classroom}/registrations",
        2_000,
        "classrooms:read",
        {
            "userId": ID,
            "classroomSlotId": ID,
            "hasAttended": bool,
            "attendanceDuration?": int,
            "pathId?": ID,
        },
    ),
    Endpoint(
        "webhooks/subscriptions/{subscription}/events",
        250,
        "webhooks:read",
        {
            "_id": ID,
            "type": ("user.assessment.corrected",),
            "date": int,
            "data": {
                "userId": ID,
                "assessmentId": ID,
                "pathId?": ID,
                "sessionId?": ID,
                "enrollmentId?": ID,
                "success": bool,
                "score?": (0, 100),
                "correctedAt": TIME,
            },
        },
    ),
    Endpoint(
        "users",
        500,
        "users:read",
        {
            "_id": ID,
            "mail?": str,
            "firstName?": str,
            "lastName?": str,
            "status": ("active", "invited", "deleted"),
        },
        ("status",),
    ),
    Endpoint(
        "paths/stats",
        2_000,
        "pathStats:read",
        {
            "_id": ID,
            "pathId": ID,
            "sessionId": ID,
            "userId": ID,
            "progress": (0, 100),
            "status": {
                "type": (
                    "sessionNotOpened",
                    "successful",
                    "unsuccessful",
                    "awaitingCorrection",
                    "toRetake",
                    "notYetStarted",
                    "late",
                    "onTime",
                ),
                "reason?": ("mandatoryReplay", "sessionEnded"),
            },
            "timeSpent": int,
            "score?": (0, 100),
            "completedAt?": TIME,
            "enrolledAt": TIME,
            "unenrolledAt?": TIME,
            "startedAt?": TIME,
            "dueDate?": TIME,
            "certificateId?": ID,
        },
        ("status",),
    ),
)


def faults(document: Any, kind: Any, place: str = "") -> list[str]:
    """What of a document is not of the kind: one line for each, naming the place."""
    match kind:
        case dict():
            return _faults_of_object(document, kind, place)
        case list():
            if not isinstance(document, list):
                return [f"{place}: no list"]
            return [fault for it in document for fault in faults(it, kind[0], f"{place}[]")]
        case re.Pattern():
            is_right = isinstance(document, str) and kind.fullmatch(document)
        case (int() | float() as least, int() | float() as most):
            is_right = isinstance(document, int | float) and least <= document <= most
        case tuple():
            is_right = document in kind
        case _:
            is_right = isinstance(document, kind) or (kind is float and type(document) is int)
            is_right = is_right and not (isinstance(document, bool) and kind is not bool)
    return [] if is_right else [f"{place}: {document!r}"]


def _faults_of_object(document: Any, kind: dict[str, Any], place: str) -> list[str]:
    if not isinstance(document, dict):
        return [f"{place}: no object"]
    wanted = {name.rstrip("?"): of for name, of in kind.items()}
    absent = {name for name in kind if not name.endswith("?")} - set(document)
    found = [f"{place}.{name}: is absent" for name in sorted(absent)]
    found += [f"{place}.{name}: is not in the description" for name in sorted(set(document) - set(wanted))]
    for name in set(document) & set(wanted):
        found += faults(document[name], wanted[name], f"{place}.{name}")
    return found
