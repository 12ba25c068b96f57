"""Rows of the input tables as the reference reads them, with the defaults of the data dictionary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

Rows = Sequence[Mapping[str, Any]]
Tables = dict[str, list[dict[str, Any]]]
Model = TypeVar("Model")


@dataclass(frozen=True)
class Path:
    company_id: str
    path_id: str
    mandatory_replay: bool


@dataclass(frozen=True)
class Step:
    company_id: str
    path_id: str
    step_id: str
    position: int
    type: str
    optional: bool
    due_basis: str = "enrollment"
    due_unit: str | None = None
    due_value: float | None = None
    due_at: datetime | None = None
    min_score: float | None = None
    attempts_limit: int | None = None
    time_limit_mode: str | None = None
    time_limit_s: float | None = None
    is_scorm: bool = False
    is_examination: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True)
class Session:
    company_id: str
    session_id: str
    path_id: str
    starts_at: datetime
    name: str | None = None
    ends_at: datetime | None = None
    restarts_on_reenrollment: bool = False


@dataclass(frozen=True)
class Enrollment:
    company_id: str
    enrollment_id: str
    session_id: str
    user_id: str
    enrolled_at: datetime
    archived_at: datetime | None = None


@dataclass(frozen=True)
class Attempt:
    company_id: str
    activity_id: str
    user_id: str
    step_id: str
    started_at: datetime
    last_activity_at: datetime
    progress: int
    time_spent_ms: int
    session_id: str | None = None
    completed_at: datetime | None = None
    score: float | None = None
    passed: bool | None = None
    enrollment_id: str | None = None


@dataclass(frozen=True)
class Waiver:
    company_id: str
    path_id: str
    step_id: str
    threshold: int
    waived_step_id: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True)
class ChildSession:
    company_id: str
    session_id: str
    root_session_id: str


def typed(model: type[Model], rows: Rows) -> list[Model]:
    """The rows as objects; a null or absent value takes the model's default, other columns are ignored."""
    names = [field.name for field in fields(model)]  # type: ignore[arg-type]
    return [model(**{name: row[name] for name in names if row.get(name) is not None}) for row in rows]
