"""The schemas of the six input tables, and of two optional ones (R16, R17)."""

import polars as pl

from schemas.columns import Table, Time, column, table_name
from schemas.enums import DUE_BASES, DUE_UNITS, STEP_TYPES, TIME_LIMIT_MODES, USER_STATUSES

# A score is rounded down to this many decimals and a min_score up, so that rounding never makes a step pass.
SCORE_DECIMALS = 4


class Users(Table):
    """A person of a company."""

    company_id: str = column("The company (tenant) the user belongs to.")
    user_id: str = column("The user, within the company.")
    email: str = column("The e-mail address; several users may share one.", null="unknown")
    first_name: str = column("The first name.", null="unknown")
    last_name: str = column("The last name.", null="unknown")
    status: str = column("Whether the account is active, invited or deleted.", isin=USER_STATUSES)

    class Config(Table.Config):
        name = "users"
        metadata = {"key": ["company_id", "user_id"]}


class Paths(Table):
    """An ordered list of steps."""

    company_id: str = column("The company (tenant) the path belongs to.")
    path_id: str = column("The path, within the company.")
    name: str = column("The path's name.", null="unnamed: shown by its path_id")
    mandatory_replay: bool = column("Whether steps done outside the session must be done again in it.")
    linear_progression: bool = column(
        "Whether steps must be done in order; no rule reads it.", null="not stated", default=False
    )

    class Config(Table.Config):
        name = "paths"
        metadata = {"key": ["company_id", "path_id"]}


class PathSteps(Table):
    """A step of a path, as it was defined from `valid_from` until `valid_to`."""

    company_id: str = column("The company (tenant) the path belongs to.")
    path_id: str = column("The path the step is on.")
    step_id: str = column("The step: the course, assessment or other resource.")
    position: pl.Int32 = column("The step's place in the path; smaller comes first.", ge=0)
    type: str = column("What kind of resource the step is.", isin=STEP_TYPES)
    optional: bool = column("Whether the path can be finished without the step.")
    due_basis: str = column(
        "The instant that the due date counts from.", null="enrollment", isin=DUE_BASES, default="enrollment"
    )
    due_unit: str = column("The unit of due_value.", null="no relative due date", isin=DUE_UNITS)
    due_value: float = column("How many due_units after due_basis.", null="no relative due date", gt=0)
    due_at: Time = column("The absolute due date.", null="no absolute due date")
    min_score: float = column(
        "The minimum score that satisfies the step; kept to 4 decimals, rounded up.",
        unit="percent",
        null="no minimum score",
        ge=0,
        le=100,
        decimals=SCORE_DECIMALS,
        rounded="up",
    )
    attempts_limit: pl.Int32 = column("How many attempts a learner has.", null="unlimited", ge=1)
    time_limit_mode: str = column(
        "Whether time_limit_s is a maximum or a minimum.", null="no time limit", isin=TIME_LIMIT_MODES
    )
    time_limit_s: float = column("The time limit of an attempt.", unit="s", null="no time limit", gt=0)
    is_scorm: bool = column(
        "Whether the step is a SCORM course; time limits do not apply to it.", null="false", default=False
    )
    is_examination: bool = column(
        "Whether the step is an examination: passed or failed once.", null="false", default=False
    )
    valid_from: Time = column("Start of the definition's validity.", null="always")
    valid_to: Time = column("End of the definition's validity.", null="still valid")
    title: str = column("The step's title; a new title is not a new definition.", null="untitled")

    class Config(Table.Config):
        name = "path_steps"
        metadata = {
            "key": ["company_id", "path_id", "step_id", "valid_from"],
            "descriptive": ["title"],
            "order": [("valid_from", "<", "valid_to")],
        }


class PathSessions(Table):
    """One run of a path."""

    company_id: str = column("The company (tenant) the session belongs to.")
    session_id: str = column("The session, within the company.")
    path_id: str = column("The path that is run.")
    name: str = column("The session's name.", null="unnamed: shown by its session_id")
    starts_at: Time = column("When the session opens.")
    ends_at: Time = column("When the session ends: the first instant it is closed.", null="never ends")
    restarts_on_reenrollment: bool = column(
        "Whether a learner who is enrolled again starts over.", null="false", default=False
    )

    class Config(Table.Config):
        name = "path_sessions"
        metadata = {"key": ["company_id", "session_id"], "order": [("starts_at", "<=", "ends_at")]}


class Enrollments(Table):
    """A learner's enrollment in a session."""

    company_id: str = column("The company (tenant) the enrollment belongs to.")
    enrollment_id: str = column("The enrollment, within the company.")
    session_id: str = column("The session the learner is enrolled in.")
    user_id: str = column("The learner.")
    enrolled_at: Time = column("When the learner was enrolled.")
    archived_at: Time = column("When the learner was unenrolled.", null="not unenrolled")

    class Config(Table.Config):
        name = "enrollments"
        metadata = {"key": ["company_id", "enrollment_id"], "order": [("enrolled_at", "<=", "archived_at")]}


class StepActivity(Table):
    """One attempt at a step: a course attempt, a classroom attendance, a correction of an assessment."""

    company_id: str = column("The company (tenant) the attempt belongs to.")
    activity_id: str = column("The attempt, within the company.")
    user_id: str = column("The learner.")
    step_id: str = column("The step.")
    session_id: str = column("The session in which it was made.", null="outside any path session")
    started_at: Time = column("When the attempt began.")
    last_activity_at: Time = column("The last activity on it.")
    completed_at: Time = column("When it was completed, or corrected.", null="not completed")
    progress: pl.Int32 = column(
        "The attempt's progress; a fraction is rounded down.", unit="percent", ge=0, le=100, rounded="down"
    )
    score: float = column(
        "The score reached; kept to 4 decimals, rounded down.",
        unit="percent",
        null="no score",
        ge=0,
        le=100,
        decimals=SCORE_DECIMALS,
        rounded="down",
    )
    time_spent_ms: pl.Int64 = column("The time spent.", unit="ms", ge=0)
    passed: bool = column("The assessor's verdict where no score decides.", null="no verdict")
    enrollment_id: str = column(
        "The enrollment that the attempt belongs to; in the session it counts for no other enrollment: R4.",
        null="not stated",
    )

    class Config(Table.Config):
        name = "step_activity"
        metadata = {
            "key": ["company_id", "activity_id"],
            "version": "last_activity_at",
            "order": [("started_at", "<=", "last_activity_at"), ("started_at", "<=", "completed_at")],
        }


class Waivers(Table):
    """A step that a score in a positioning quiz waives, from `valid_from` until `valid_to`: R16.

    Optional. Releases contain the table if it has rows.
    """

    company_id: str = column("The company (tenant) the path belongs to.")
    path_id: str = column("The path that both steps are on.")
    step_id: str = column("The positioning quiz.")
    threshold: pl.Int32 = column(
        "The minimum score in the quiz that waives the step.", unit="percent", ge=0, le=100
    )
    waived_step_id: str = column("The step that is waived.")
    valid_from: Time = column("Start of validity.", null="always")
    valid_to: Time = column("End of validity.", null="still valid")

    class Config(Table.Config):
        name = "waivers"
        metadata = {
            "key": ["company_id", "path_id", "step_id", "threshold", "waived_step_id", "valid_from"],
            "order": [("valid_from", "<", "valid_to")],
        }


class ChildSessions(Table):
    """A session of a sub-path, created for a session of the path that contains the sub-path: R17.

    Optional. Releases contain the table if it has rows.
    """

    company_id: str = column("The company (tenant) both sessions belong to.")
    session_id: str = column("The session of the sub-path.")
    root_session_id: str = column(
        "The session of the outermost path that it was created for, also for sub-paths of sub-paths."
    )

    class Config(Table.Config):
        name = "child_sessions"
        metadata = {"key": ["company_id", "session_id"]}


# Tables that a source need not deliver; a table that was never delivered is empty.
OPTIONAL: tuple[type[Table], ...] = (Waivers, ChildSessions)
INPUTS: tuple[type[Table], ...] = (
    Users,
    Paths,
    PathSteps,
    PathSessions,
    Enrollments,
    StepActivity,
    *OPTIONAL,
)


def model_of(table: str) -> type[Table]:
    """The model of the input table with this name."""
    return next(model for model in INPUTS if table_name(model) == table)
