"""Define the lists of version 2 of the API, each with its path, scope and known fields."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from schemas.enums import USER_STATUSES

STATUSES = ("published", "archived")
# The type of SCORM, AICC and xAPI courses.
SCORM = "elearning standard"
# The type of webhook events about corrections of assessments.
CORRECTED = "user.assessment.corrected"
# The values of the setting `skip`.
Skippable = Literal["courses", "catalog", "classrooms", "assessments", "stats"]


@dataclass(frozen=True)
class ListOf:
    """A kind of list.

    page_size:    the rows of a page that isn't the last one.
    fields:       all known fields of its rows, including unread ones; other fields are reported.
    required:     the fields that every row must have, with their types.
    values:       the known values of a field; other values are reported.
    may_go:       whether its owner may be deleted before the list is read; the list then counts as empty.
    skipped_with: the value of `skip` that skips the list.
    lost_without: what a run lacks if the client may not read the list; None if the run needs it.
    """

    name: str
    path: str
    page_size: int
    scope: str
    fields: frozenset[str]
    required: dict[str, type] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    may_go: bool = False
    skipped_with: Skippable | None = None
    lost_without: str | None = None


def _fields(names: str) -> frozenset[str]:
    return frozenset(names.split())


PATHS = ListOf(
    "paths",
    "/api/v2/paths",
    200,
    "paths:read",
    _fields(
        "_id name options steps status createdAt modifiedAt authorId coAuthorIds groupId certificateId "
        "certificateOutlineId defaultLang sourceLang translations additionalInformation coverPicture "
        "description estimatedDuration estimatedWeeklyCommitment tags tagIds customFieldValues customValues"
    ),
    {"_id": str, "options": dict, "steps": list},
    {"status": STATUSES},
)
SESSIONS = ListOf(
    "sessions",
    "/api/v2/paths/sessions",
    500,
    "paths:read",
    _fields(
        "_id pathId name startDate endDate rootSessionId automaticReenrollment createdAt modifiedAt groupId "
        "mainInstructorId instructorIds isAudienceBuilder registrationRequestValidation userLimit "
        "ipFiltering additionalInformation customFieldValues customValues"
    ),
    {"_id": str},
)
ENROLLMENTS = ListOf(
    "enrollments",
    "/api/v2/paths/{owner}/enrollments",
    5_000,
    "paths:read",
    _fields("_id sessionId userId createdAt archivedAt modifiedAt isSelfEnrolled status"),
    {"_id": str},
    {"status": STATUSES},
    may_go=True,
)
COURSES = ListOf(
    "courses",
    "/api/v2/courses/stats",
    500,
    "courseStats:read",
    _fields(
        "_id userId courseId pathSessionId programSessionId progress score timeSpent firstActivityAt "
        "lastActivityAt completedAt createdAt modifiedAt status pathId programId lang versionNumber"
    ),
    {"_id": str},
    skipped_with="courses",
)
CATALOG = ListOf(
    "catalog",
    "/api/v2/courses",
    500,
    "courses:read",
    _fields(
        "_id name type status sourceLang defaultLang authorId groupId coAuthorIds originalAuthorId "
        "description duration createdAt modifiedAt translations externalPlatform currentVersionNumber "
        "collaborativeLearning tagIds"
    ),
    {"_id": str},
    {"status": ("archived", "deleted", "published"), "type": ("native", SCORM, "external")},
    skipped_with="catalog",
    lost_without="time limits apply to SCORM courses too, and courses have no titles",
)
CLASSROOMS = ListOf(
    "classrooms",
    "/api/v2/classrooms",
    500,
    "classrooms:read",
    _fields("_id name groupId createdAt modifiedAt mediaIds message trainingObjective"),
    {"_id": str},
    skipped_with="classrooms",
)
SLOTS = ListOf(
    "slots",
    "/api/v2/classrooms/{owner}/slots",
    100,
    "classrooms:read",
    _fields(
        "_id classroomId startDate endDate reportedDuration name location selfRegistration virtual "
        "maxCapacity trainerIds mediaIds timezone webinarProvider context createdAt modifiedAt"
    ),
    {"_id": str},
    may_go=True,
    skipped_with="classrooms",
)
REGISTRATIONS = ListOf(
    "registrations",
    "/api/v2/classrooms/{owner}/registrations",
    2_000,
    "classrooms:read",
    _fields(
        "_id userId classroomSlotId hasAttended attendanceDuration pathId status rsvp createdAt modifiedAt "
        "archivedAt"
    ),
    may_go=True,
    skipped_with="classrooms",
)
CORRECTIONS = ListOf(
    "corrections",
    "/api/v2/webhooks/subscriptions/{owner}/events",
    250,
    "webhooks:read",
    _fields(
        "_id createdAt status payload data type date timestamp userId assessmentId pathId sessionId "
        "enrollmentId success score correctedAt name"
    ),
    skipped_with="assessments",
)
SUBSCRIPTION = ListOf(
    "subscription",
    "/api/v2/webhooks/subscriptions/{owner}",
    1,
    "webhooks:read",
    _fields("_id eventType name url status createdAt modifiedAt"),
    skipped_with="assessments",
    lost_without="it is unknown whether corrections are sent",
)
USERS = ListOf(
    "users",
    "/api/v2/users",
    500,
    "users:read",
    _fields(
        "_id mail firstName lastName status username lang job organization phone custom deletedAt "
        "primaryGroupId reactivatedAt lastLoginDate toBeDeactivatedAt profileImageId createdAt modifiedAt"
    ),
    {"_id": str},
    {"status": USER_STATUSES},
)
STATS = ListOf(
    "stats",
    "/api/v2/paths/stats",
    2_000,
    "pathStats:read",
    _fields(
        "_id pathId sessionId userId progress status timeSpent score completedAt enrolledAt unenrolledAt "
        "startedAt dueDate certificateId selfEnrolled"
    ),
    {"_id": str},
    skipped_with="stats",
)
LISTS = (
    PATHS,
    SESSIONS,
    ENROLLMENTS,
    COURSES,
    CATALOG,
    CLASSROOMS,
    SLOTS,
    REGISTRATIONS,
    SUBSCRIPTION,
    CORRECTIONS,
    USERS,
    STATS,
)


@dataclass(frozen=True)
class ListRequest:
    """One list to read.

    owner:   the id of the path, classroom or subscription that the list belongs to; empty for none.
    part:    distinguishes lists of the same kind and owner.
    filters: in the API's form, e.g. `modifiedAt[gte]`.
    """

    of: ListOf
    owner: str = ""
    part: str = ""
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The list's name in the landing and in messages.

        >>> ListRequest(ENROLLMENTS, "65f0", "archived").name
        'enrollments/65f0/archived'
        """
        return "/".join(part for part in (self.of.name, self.owner, self.part) if part)

    @property
    def first_page(self) -> str:
        """The path of the first page, with filters, relative to the platform's URL.

        >>> ListRequest(ENROLLMENTS, "65f0", filters=(("status[eq]", "archived"),)).first_page
        '/api/v2/paths/65f0/enrollments?status%5Beq%5D=archived'
        """
        return f"{self.path}?{urlencode(self.filters)}" if self.filters else self.path

    @property
    def path(self) -> str:
        """The path of the list without filters.

        >>> ListRequest(ENROLLMENTS, "65f0").path
        '/api/v2/paths/65f0/enrollments'
        """
        return self.of.path.format(owner=quote(self.owner, safe=""))
