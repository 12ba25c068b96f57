"""The tables as the API's documents: one frame for each list, its columns named as the documents' keys.

A column `status.type` is the key `type` in the object `status`. Null is an absent key.
"""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from flows.sandbox.sayable import kinds, platform_id
from flows.sandbox.sound_tables import Tables

_TIME = pl.Datetime("us", "UTC")
PUBLISHED, ARCHIVED = "published", "archived"
# Sessions are prepared so long before they open; paths are older than anything that happens on them.
_PREPARED = timedelta(days=120)
_STEPS = pl.List(
    pl.Struct(
        {
            "_id": pl.String,
            "type": pl.String,
            "subtype": pl.String,
            "options": pl.Struct(
                {
                    "optional": pl.Boolean,
                    "relativeDate": pl.Struct({"unit": pl.String, "value": pl.Float64}),
                    "timeLimit": pl.Struct({"mode": pl.String, "value": pl.Float64}),
                    "minScore": pl.Int64,
                    "attemptsLimit": pl.Int64,
                    "thresholds": pl.List(
                        pl.Struct({"thresholdValue": pl.Int64, "waivedStepIds": pl.List(pl.String)})
                    ),
                    "isExamination": pl.Boolean,
                }
            ),
        }
    )
)


def paths(tables: Tables, now: datetime) -> pl.DataFrame:
    rows = tables["paths"].sort("path_id")
    steps: dict[str, list[dict[str, Any]]] = {path: [] for path in rows["path_id"]}
    waived = _thresholds(tables["waivers"])
    for step in tables["path_steps"].sort("path_id", "position").iter_rows(named=True):
        thresholds = waived.get((step["path_id"], step["step_id"]))
        steps.setdefault(step["path_id"], []).append(_step(step, thresholds))
    begun = min(tables["path_sessions"]["starts_at"].min() or now, now) - 2 * _PREPARED  # type: ignore[operator]
    return rows.select(
        _id="path_id",
        name="name",
        status=pl.lit(PUBLISHED),
        createdAt=pl.lit(begun, _TIME),
        modifiedAt=pl.lit(begun, _TIME),
        **{
            "options.mandatoryReplay": pl.col("mandatory_replay"),
            "options.linearProgression": pl.col("linear_progression"),
        },
        steps=pl.Series([steps[path] for path in rows["path_id"]], dtype=_STEPS),
    )


def _thresholds(waivers: pl.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The thresholds of each positioning quiz, by path and step."""
    keys = ["path_id", "step_id", "threshold"]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    grouped = waivers.sort(*keys, "waived_step_id").group_by(keys, maintain_order=True)
    for path, step, threshold, waived in grouped.agg("waived_step_id").iter_rows():
        found.setdefault((path, step), []).append({"thresholdValue": threshold, "waivedStepIds": waived})
    return found


def _step(row: dict[str, Any], thresholds: list[dict[str, Any]] | None) -> dict[str, Any]:
    due = row["due_value"] and {"unit": row["due_unit"], "value": row["due_value"]}
    limit = row["time_limit_s"] and {"mode": row["time_limit_mode"], "value": row["time_limit_s"]}
    common = {"optional": row["optional"], "relativeDate": due}
    options: dict[str, dict[str, Any]] = {
        "course": {
            **common,
            "timeLimit": limit,
            "minScore": row["min_score"],
            "attemptsLimit": row["attempts_limit"],
            "thresholds": thresholds,
        },
        "assessment": {"isExamination": row["is_examination"], "minScore": row["min_score"]},
        "classroom": common,
        "path": common,
        "program": common,
    }
    return {
        "_id": row["step_id"],
        "type": row["type"],
        "subtype": "quiz" if thresholds else None,
        "options": options.get(row["type"]),
    }


def sessions(tables: Tables, now: datetime) -> pl.DataFrame:
    prepared = pl.min_horizontal(pl.col("starts_at") - _PREPARED, pl.lit(now, _TIME))
    return (
        tables["path_sessions"]
        .join(tables["child_sessions"].select("session_id", "root_session_id"), on="session_id", how="left")
        .sort("session_id")
        .select(
            _id="session_id",
            pathId="path_id",
            name="name",
            createdAt=prepared,
            modifiedAt=prepared,
            startDate="starts_at",
            endDate="ends_at",
            rootSessionId="root_session_id",
            automaticReenrollment="restarts_on_reenrollment",
        )
    )


def enrollments(tables: Tables, now: datetime) -> pl.DataFrame:
    """Modified at the end of the day of its last event: worlds become known day by day."""
    path_of = tables["path_sessions"].select("session_id", "path_id")
    return (
        tables["enrollments"]
        .join(path_of, on="session_id")
        .sort("path_id", "enrollment_id")
        .select(
            _id="enrollment_id",
            sessionId="session_id",
            userId="user_id",
            status=pl.when(pl.col("archived_at").is_null())
            .then(pl.lit(PUBLISHED))
            .otherwise(pl.lit(ARCHIVED)),
            createdAt="enrolled_at",
            modifiedAt=pl.min_horizontal(
                pl.coalesce("archived_at", "enrolled_at").dt.offset_by("1d").dt.truncate("1d"),
                pl.lit(now, _TIME),
            ),
            archivedAt="archived_at",
            isSelfEnrolled=pl.col("enrollment_id").hash(0) % 10 == 0,
            _pathId="path_id",
        )
    )


def attempts(tables: Tables) -> pl.DataFrame:
    return (
        _activity_of(tables, "course")
        .sort("activity_id")
        .select(
            _id="activity_id",
            userId="user_id",
            courseId="step_id",
            pathSessionId="session_id",
            progress="progress",
            score="score",
            timeSpent="time_spent_ms",
            firstActivityAt="started_at",
            lastActivityAt="last_activity_at",
            completedAt="completed_at",
        )
    )


def classrooms(tables: Tables) -> pl.DataFrame:
    rooms = kinds(tables["path_steps"]).filter(pl.col("type") == "classroom").sort("step_id")
    return rooms.select(_id="step_id", name=pl.format("Classroom {}", pl.int_range(1, pl.len() + 1)))


def registrations(tables: Tables) -> pl.DataFrame:
    """Who came, by classroom and slot, and some of those who were expected and didn't."""
    path_of = tables["path_sessions"].select("session_id", "path_id")
    came = _activity_of(tables, "classroom").join(path_of, on="session_id", how="left")
    slot = pl.concat_str("step_id", pl.col("started_at", "completed_at").dt.epoch("ms"), separator=" ")
    came = came.sort("step_id", "started_at", "completed_at", "activity_id").with_columns(slot=slot)
    names = came["slot"].unique().to_list()
    came = came.with_columns(
        slot=pl.col("slot").replace_strict(names, list(map(platform_id, names)), return_dtype=pl.String),
        attended=pl.lit(True),
    )
    absent = (
        came.drop_nulls("session_id")
        .unique(["slot", "session_id"], maintain_order=True)
        .drop("user_id")
        .join(tables["enrollments"].select("session_id", "user_id"), on="session_id")
        .filter(pl.concat_str("slot", "user_id").hash(0) % 16 == 0)
        .join(came, on=["slot", "user_id"], how="anti")
        .with_columns(attended=pl.lit(False), time_spent_ms=pl.lit(None, pl.Int64))
    )
    return pl.concat(
        part.select(
            userId="user_id",
            classroomSlotId="slot",
            hasAttended="attended",
            attendanceDuration="time_spent_ms",
            pathId="path_id",
            _classroomId="step_id",
            _startDate="started_at",
            _endDate="completed_at",
        )
        for part in (came, absent)
    )


def slots(registered: pl.DataFrame) -> pl.DataFrame:
    """The slots that the registrations are for."""
    hours = (pl.col("_endDate") - pl.col("_startDate")).dt.total_milliseconds() / 3_600_000
    return registered.unique("classroomSlotId", keep="first", maintain_order=True).select(
        _id="classroomSlotId",
        startDate="_startDate",
        endDate="_endDate",
        reportedDuration=hours,
        _classroomId="_classroomId",
    )


def corrections(tables: Tables) -> pl.DataFrame:
    """Events, the earliest first."""
    path_of = tables["path_sessions"].select("session_id", "path_id")
    corrected = _activity_of(tables, "assessment").join(path_of, on="session_id", how="left")
    enrolled = tables["enrollments"].select("session_id", "user_id", "enrollment_id", "enrolled_at")
    theirs = (
        corrected.join(enrolled, on=["session_id", "user_id"])
        .filter(pl.col("enrolled_at") <= pl.col("completed_at"))
        .sort("enrolled_at", "enrollment_id")
        .unique("activity_id", keep="last", maintain_order=True)
        .select("activity_id", "enrollment_id")
    )
    data = {
        "userId": "user_id",
        "assessmentId": "step_id",
        "pathId": "path_id",
        "sessionId": "session_id",
        "enrollmentId": "enrollment_id",
        "success": "passed",
        "score": "score",
        "correctedAt": "completed_at",
    }
    return (
        corrected.join(theirs, on="activity_id", how="left")
        .sort("completed_at", "activity_id")
        .select(
            _id="activity_id",
            type=pl.lit("user.assessment.corrected"),
            date=pl.col("completed_at").dt.epoch("ms"),
            **{f"data.{name}": pl.col(column) for name, column in data.items()},
        )
    )


def users(tables: Tables) -> pl.DataFrame:
    return (
        tables["users"]
        .sort("user_id")
        .select(_id="user_id", mail="email", firstName="first_name", lastName="last_name", status="status")
    )


def _activity_of(tables: Tables, kind: str) -> pl.DataFrame:
    known = tables["step_activity"].join(kinds(tables["path_steps"]), on="step_id", how="left")
    return known.filter(pl.col("type").fill_null("course") == kind)
