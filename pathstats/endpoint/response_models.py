"""Response models for the OpenAPI description; the bodies are stored finished in the release."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from schemas.enums import DETAILED_STATUS_REASONS, DETAILED_STATUSES, RESULTS, STATUSES


def _one_of(values: tuple[str | None, ...], **options: Any) -> Any:
    return Field(json_schema_extra={"enum": list(values)}, **options)


def _counted_by(values: tuple[str, ...], **options: Any) -> Any:
    each = {"type": "integer", "minimum": 0}
    closed: dict[str, Any] = {"properties": dict.fromkeys(values, each), "required": list(values)}
    return Field(json_schema_extra={**closed, "additionalProperties": False}, **options)


def _missing_or(values: tuple[str, ...] | None = None, **options: Any) -> Any:
    """A key that is there only when it has a value, which is never null."""

    def describe(schema: dict[str, Any]) -> None:
        del schema["default"]
        schema.update({"enum": list(values)} if values else {})

    return Field(default=None, json_schema_extra=describe, **options)


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class DetailedStatus(_Answer):
    """R11."""

    type: str = _one_of(DETAILED_STATUSES)
    reason: str = _missing_or(DETAILED_STATUS_REASONS)


class LearnerStats(_Answer):
    """A learner in a session, as of the release."""

    progress: int = Field(ge=0, le=100, description="Percent of the required steps (R7).")
    global_time: int = Field(ge=0, description="Time spent, in milliseconds (R8).")
    score: int | None = Field(ge=0, le=100, description="Percent; null if no step has one (R9).")
    status: str = _one_of(STATUSES, description="R10.")
    completed_at: datetime | None = Field(description="When the path was earned (R13).")
    detailed_status: DetailedStatus
    result: str | None = _one_of((*RESULTS, None), description="R12.")
    archived_at: datetime = _missing_or(
        description="When the learner was unenrolled; all else is as of then."
    )


class LearnerOfSession(LearnerStats):
    """The same, with the learner's id."""

    user_id: str = Field(alias="_id")


class UsersStats(_Answer):
    """All learners of a session, archived ones too."""

    session_id: str
    users_stats: list[LearnerOfSession]


class SessionStats(_Answer):
    """Counts of learners by status; archived ones are counted nowhere else."""

    session_id: str
    enrolled: int = Field(ge=0, description="The sum of either set of counts.")
    archived: int = Field(ge=0)
    status: dict[str, int] = _counted_by(STATUSES, description="Learners by R10.")
    detailed_status: dict[str, int] = _counted_by(DETAILED_STATUSES, description="Learners by R11.")


class Health(_Answer):
    """The process answers."""

    status: Literal["ok"]


class Readiness(_Answer):
    """A release answers: which, and how old it is."""

    status: Literal["ready"]
    release_id: str
    as_of: datetime
    age_seconds: int = Field(description="From its as_of until now; negative if that is ahead of the clock.")


class Error(_Answer):
    """Any error."""

    error: str
