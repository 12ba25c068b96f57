"""Serialize webhook subscriptions and their events."""

import json
from datetime import datetime
from typing import Any

import polars as pl

from sandbox.api_projection import activity_of, platform_id
from sandbox.constant_fields import is_chosen
from sandbox.valid_tables import Tables

CORRECTED, ENROLLED = "user.assessment.corrected", "path.session.users.enrolled"
# The subscription to corrections of assessments, which the source 360learning reads.
SUBSCRIPTION = "5ab000000000000000000001"
_OTHERS = {"5ab000000000000000000002": ENROLLED, "5ab000000000000000000003": "course.attempt.closed"}
_EVENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "_id": pl.String,
    "createdAt": pl.Datetime("us", "UTC"),
    "payload:json": pl.String,
}


def subscriptions(*, is_active: bool = True) -> pl.DataFrame:
    """The webhook subscriptions.

    is_active: whether the one to corrections is active; the platform deactivates it after days of failures.
    """
    return pl.DataFrame(
        [
            {
                "_id": id,
                "eventType": event,
                "name": "" if event == ENROLLED else event.replace(".", " "),
                "url": f"https://hooks.example/{event}",
                "status": "active" if is_active or id != SUBSCRIPTION else "inactive",
            }
            for id, event in {SUBSCRIPTION: CORRECTED, **_OTHERS}.items()
        ]
    )


def secrets(subscription: str) -> pl.DataFrame:
    return pl.DataFrame({"secret": [platform_id(f"secret of {subscription}")]})


def events(tables: Tables) -> pl.DataFrame:
    """The events of each subscription, the earliest first, including some that were not delivered."""
    both = pl.concat([_corrections(tables), _enrollments(tables)])
    status = pl.when(is_chosen("_id", 9)).then(pl.lit("failed")).otherwise(pl.lit("delivered"))
    return both.with_columns(status=status)


def _corrections(tables: Tables) -> pl.DataFrame:
    path_of = tables["path_sessions"].select("session_id", "path_id")
    corrected = activity_of(tables, "assessment").join(path_of, on="session_id", how="left")
    rows = [_corrected(row) for row in corrected.sort("completed_at", "activity_id").iter_rows(named=True)]
    return pl.DataFrame(rows, schema=_EVENTS).with_columns(_subscription=pl.lit(SUBSCRIPTION))


def _corrected(row: dict[str, Any]) -> dict[str, Any]:
    data = {
        "userId": row["user_id"],
        "assessmentId": row["step_id"],
        "name": row.get("title") or "",
        "pathId": row["path_id"],
        "sessionId": row["session_id"],
        "enrollmentId": row.get("enrollment_id"),
        "success": row["passed"],
        "score": None if row["score"] is None else float(row["score"]),
        "correctedAt": _text(row["completed_at"]),
    }
    return _event(row["activity_id"], CORRECTED, row["completed_at"], data)


def _enrollments(tables: Tables) -> pl.DataFrame:
    """One event for each session and instant with new enrollments."""
    path_of = tables["path_sessions"].select("session_id", "path_id")
    at_once = (
        tables["enrollments"].join(path_of, on="session_id").group_by("enrolled_at", "session_id", "path_id")
    )
    rows = [
        _event(
            platform_id(f"enrolled {session} {at}"),
            ENROLLED,
            at,
            {"pathId": path, "sessionId": session, "userIds": sorted(set(users))},
        )
        for at, session, path, users in at_once.agg("user_id").sort("enrolled_at", "session_id").iter_rows()
    ]
    (other,) = (id for id, event in _OTHERS.items() if event == ENROLLED)
    return pl.DataFrame(rows, schema=_EVENTS).with_columns(_subscription=pl.lit(other))


def _event(id: str, type: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    present = {name: value for name, value in data.items() if value is not None}
    payload = {"type": type, "timestamp": _text(at), "data": present}
    return {"_id": id, "createdAt": at, "payload:json": json.dumps(payload, ensure_ascii=False)}


def _text(moment: datetime) -> str:
    """The time as the API writes it, with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
