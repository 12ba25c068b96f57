"""A small company as its platform's API returns it: one path of six steps, one session, three learners."""

from typing import Any

from tests.helpers.fake_platform import BASE, FakePlatform, hex_id

PATH, SESSION = hex_id(0xA1), hex_id(0xB1)
COURSE, QUIZ, ROOM, EXAM, SUB_PATH, MAIL = (hex_id(0xC0 + n) for n in range(1, 7))
ADA, BEN, CAI = hex_id(0xD1), hex_id(0xD2), hex_id(0xD3)
SLOT = hex_id(0xE1)
SUBSCRIPTION = hex_id(0xF1)
# Fields that the platform does not have.
NO_SUBSCRIPTION = (
    f"{BASE} has no webhook subscription {SUBSCRIPTION}. Set subscription to the id of one of the platform's "
    "subscriptions for user.assessment.corrected."
)


def enrollment(number: int, user: str, **fields: Any) -> dict[str, Any]:
    return {
        "_id": hex_id(0x100 + number),
        "sessionId": SESSION,
        "userId": user,
        "createdAt": "2026-03-01T08:00:00.000Z",
        "modifiedAt": "2026-03-01T08:00:00.000Z",
        "isSelfEnrolled": False,
        "status": "archived" if "archivedAt" in fields else "published",
    } | fields


def attempt(number: int, user: str, course: str = COURSE, **fields: Any) -> dict[str, Any]:
    return {
        "_id": hex_id(0x200 + number),
        "userId": user,
        "courseId": course,
        "pathSessionId": SESSION,
        "lang": "en",
        "versionNumber": 3,
        "progress": 100,
        "score": 85,
        "timeSpent": 60_000,
        "firstActivityAt": "2026-03-02T09:00:00.000Z",
        "lastActivityAt": "2026-03-02T09:10:00.000Z",
        "completedAt": "2026-03-02T09:10:00.000Z",
    } | fields


def catalogued(course: str, **fields: Any) -> dict[str, Any]:
    return {
        "_id": course,
        "name": "",
        "type": "native",
        "status": "published",
        "sourceLang": "en",
        "defaultLang": "en",
        "authorId": hex_id(1),
        "groupId": hex_id(1),
        "coAuthorIds": [],
        "translations": [],
        "createdAt": "2026-01-01T07:00:00.000Z",
        "modifiedAt": "2026-01-01T07:00:00.000Z",
    } | fields


def small_company(page_size: int = 2) -> FakePlatform:
    course_options = {"optional": False, "showCorrection": "never", "showForum": "never"}
    steps = [
        {
            "_id": QUIZ,
            "type": "course",
            "subtype": "quiz",
            "options": course_options
            | {"attemptsLimit": 1, "thresholds": [{"thresholdValue": 79.5, "waivedStepIds": [COURSE]}]},
        },
        {
            "_id": COURSE,
            "type": "course",
            "options": course_options
            | {
                "relativeDate": {"unit": "week", "value": 1.5},
                "timeLimit": {"mode": "maxTime", "value": 1800},
                "minScore": 80,
                "attemptsLimit": 2,
            },
        },
        {"_id": MAIL, "type": "email", "options": {"recipientType": "learner"}},
        {"_id": ROOM, "type": "classroom", "options": {"optional": True}},
        {"_id": EXAM, "type": "assessment", "options": {"isExamination": True, "minScore": 60}},
        {"_id": SUB_PATH, "type": "path", "options": {"optional": False}},
    ]
    return FakePlatform(
        {
            "paths": [
                {
                    "_id": PATH,
                    "name": "Onboarding",
                    "status": "published",
                    "modifiedAt": "2026-03-01T07:00:00.000Z",
                    "options": {"mandatoryReplay": False, "linearProgression": True},
                    "steps": steps,
                }
            ],
            "paths/sessions": [
                {
                    "_id": SESSION,
                    "pathId": PATH,
                    "name": "March",
                    "startDate": "2026-03-01T00:00:00.000Z",
                    "endDate": "2026-04-01T00:00:00.000Z",
                    "modifiedAt": "2026-03-01T07:00:00.000Z",
                }
            ],
            f"paths/{PATH}/enrollments": [
                enrollment(1, ADA),
                enrollment(2, BEN),
                enrollment(3, CAI),
                enrollment(
                    4, ADA, createdAt="2026-02-01T08:00:00.000Z", archivedAt="2026-02-20T08:00:00.000Z"
                ),
            ],
            "courses/stats": [
                attempt(1, ADA),
                attempt(2, BEN, completedAt=None, progress=40, score=None),
                attempt(3, CAI, QUIZ, score=80),
                attempt(4, CAI, hex_id(0xCF)) | {"pathSessionId": None},
            ],
            "courses": [
                catalogued(COURSE, name="Hygiene"),
                catalogued(QUIZ, name="Hygiene, positioning", type="elearning standard"),
            ],
            "classrooms": [{"_id": ROOM, "name": "Fire drill", "groupId": hex_id(1), "mediaIds": []}],
            f"classrooms/{ROOM}/slots": [
                {
                    "_id": SLOT,
                    "startDate": "2026-03-05T09:00:00.000Z",
                    "endDate": "2026-03-05T11:00:00.000Z",
                    "reportedDuration": 1.5,
                }
            ],
            f"classrooms/{ROOM}/registrations": [
                {"userId": ADA, "classroomSlotId": SLOT, "hasAttended": True, "pathId": PATH},
                {"userId": BEN, "classroomSlotId": SLOT, "hasAttended": False, "pathId": PATH},
            ],
            "users": [
                {
                    "_id": ADA,
                    "mail": "ada@acme.example",
                    "firstName": "Ada",
                    "status": "active",
                    "lang": "en",
                },
                {"_id": BEN, "mail": "ben@acme.example", "lastName": "Bow", "status": "invited"},
                {"_id": CAI, "status": "deleted"},
            ],
            f"webhooks/subscriptions/{SUBSCRIPTION}/events": [
                {
                    "_id": "msg_1",
                    "createdAt": "2026-03-06T10:00:01.000Z",
                    "status": "delivered",
                    "payload": {
                        "type": "user.assessment.corrected",
                        "timestamp": "2026-03-06T10:00:00.000Z",
                        "data": {
                            "userId": ADA,
                            "assessmentId": EXAM,
                            "pathId": PATH,
                            "sessionId": SESSION,
                            "enrollmentId": hex_id(0x101),
                            "success": True,
                            "score": 75,
                            "correctedAt": "2026-03-06T10:00:00.000Z",
                        },
                    },
                }
            ],
        },
        page_size,
        {
            f"webhooks/subscriptions/{SUBSCRIPTION}": {
                "_id": SUBSCRIPTION,
                "name": "Corrections",
                "url": "https://hooks.acme.example/?key=s3cret-of-the-receiver",
                "eventType": "user.assessment.corrected",
                "status": "active",
            }
        },
    )
