"""Serialize paths: their steps, and the options of each step type."""

import json
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from sandbox.api_projection import platform_id
from sandbox.certificates import outline_of
from sandbox.constant_fields import ADMINISTRATOR, as_json, authorship, for_some
from sandbox.endpoints import PUBLISHED
from sandbox.step_results import Row
from sandbox.valid_tables import Tables
from schemas.enums import MESSAGE_STEP_TYPES

# How long before its start a session is created; a path is created before all activity on it.
PREPARED = timedelta(days=120)

_OPTIONS = {
    "options.mandatoryReplay": pl.col("mandatory_replay"),
    "options.linearProgression": pl.col("linear_progression"),
    "options.displayForum": pl.lit(True),
    "options.displayClassroomMessages": pl.lit(False),
    "options.automatedReminders": pl.lit(True),
    "options.notificationOnStepCreation": pl.lit(False),
}


def paths(tables: Tables, now: datetime) -> pl.DataFrame:
    rows = tables["paths"].sort("path_id")
    steps: dict[str, list[Row]] = {path: [] for path in rows["path_id"]}
    waived = _thresholds(tables["waivers"])
    for step in tables["path_steps"].sort("path_id", "position").iter_rows(named=True):
        thresholds = waived.get((step["path_id"], step["step_id"]))
        steps.setdefault(step["path_id"], []).append(_step(step, thresholds))
    begun = min(tables["path_sessions"]["starts_at"].min() or now, now) - 2 * PREPARED  # type: ignore[operator]
    begun_at = pl.lit(begun, pl.Datetime("us", "UTC"))
    named = rows.select(
        _id="path_id",
        name=pl.col("name").fill_null(""),
        certificateId=pl.Series(map(outline_of, rows["path_id"]), dtype=pl.String),
        status=pl.lit(PUBLISHED),
        createdAt=begun_at,
        modifiedAt=begun_at,
        **_OPTIONS,
        **{"steps:json": pl.Series([json.dumps(steps[path]) for path in rows["path_id"]], dtype=pl.String)},
    )
    return named.with_columns(
        **authorship(),
        description=for_some("_id", 3, ""),
        additionalInformation=for_some("_id", 3, "", 1),
        coverPicture=for_some("_id", 4, ADMINISTRATOR),
        **{
            "estimatedDuration:json": for_some("_id", 2, as_json({"unit": "hour", "value": 1.5})),
            "estimatedWeeklyCommitment:json": for_some("_id", 5, as_json({"min": 1, "max": 2.5})),
        },
    )


def _thresholds(waivers: pl.DataFrame) -> dict[tuple[str, str], list[Row]]:
    """The thresholds of each positioning quiz, by path and step."""
    keys = ["path_id", "step_id", "threshold"]
    found: dict[tuple[str, str], list[Row]] = {}
    grouped = waivers.sort(*keys, "waived_step_id").group_by(keys, maintain_order=True)
    for path, step, threshold, waived in grouped.agg("waived_step_id").iter_rows():
        found.setdefault((path, step), []).append({"thresholdValue": threshold, "waivedStepIds": waived})
    return found


def _step(row: Row, thresholds: list[Row] | None) -> Row:
    step = {
        "_id": row["step_id"],
        "type": row["type"],
        "subtype": "quiz" if thresholds else None,
        "options": _present(_options(row, thresholds)),
    }
    return _present(step)


def _options(row: Row, thresholds: list[Row] | None) -> Row:
    """The options of a step, by its type; None is an absent key."""
    kind, chance = row["type"], int(platform_id(f"{row['path_id']} {row['step_id']}"), 16)
    if kind in MESSAGE_STEP_TYPES:
        return _of_message(kind, chance)
    if kind == "assessment":
        return {"isExamination": row["is_examination"], "minScore": row["min_score"]}
    due = row["due_value"] and {"unit": row["due_unit"], "value": row["due_value"]}
    common = {"optional": row["optional"], "relativeDate": due}
    if kind == "classroom":
        return common | _of_classroom(chance)
    return common | _of_course(row, thresholds, chance) if kind == "course" else common


def _of_course(row: Row, thresholds: list[Row] | None, chance: int) -> Row:
    limit = row["time_limit_s"] and {"mode": row["time_limit_mode"], "value": row["time_limit_s"]}
    shown = {"showCorrection": "onCompletion", "showForum": "onAnswer", "timeLimit": limit}
    if thresholds:
        return shown | {"attemptsLimit": 1, "thresholds": thresholds}
    opens = {"mode": "afterEnrollmentDate", "relativeDate": {"unit": "day", "value": 0.5}}
    attempts = row["attempts_limit"]
    # The API's description has `number`: fractions are rounded down.
    attempts = attempts + 0.5 if attempts and chance % 3 == 0 else attempts
    limits = {"minScore": row["min_score"], "attemptsLimit": attempts}
    return shown | limits | {"availability": opens if chance % 4 == 0 else None}


def _of_classroom(chance: int) -> Row:
    delay = {"unit": "week", "value": 2}
    return {
        "autoRegistration": chance % 2 == 0,
        "selfRegistration": _present({"enabled": True, "delay": delay if chance % 3 == 0 else None}),
        "attendanceSheets": {"unit": "slot", "number": 1} if chance % 5 == 0 else None,
    }


def _of_message(kind: str, chance: int) -> Row:
    scheduling = {
        "relativeTo": "afterSessionStartDate",
        "relativity": 1 + chance % 30,
        "condition": "notCompleted",
        "conditionOnDetailedStatus": ["late", "notYetStarted"],
    }
    recipient = "manager" if kind == "email" and chance % 2 == 0 else "learner"
    return {"recipientType": recipient, "scheduling": scheduling if chance % 3 else None}


def _present(document: dict[str, Any]) -> Row:
    """The document without keys whose value is None."""
    return {name: value for name, value in document.items() if value is not None}
