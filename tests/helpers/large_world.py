"""A world with one row more of everything than a page of the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
# Rows of each endpoint's longest list: the page size and one more.
ROWS = {
    "paths": 201,
    "paths/sessions": 501,
    "paths/{pathId}/enrollments": 5_001,
    "courses/stats": 501,
    "courses": 501,
    "classrooms": 501,
    "classrooms/{classroomId}/slots": 101,
    "classrooms/{classroomId}/registrations": 2_001,
    "webhooks/subscriptions/{subscriptionId}/events": 251,
    "users": 501,
    "paths/stats": 5_001,
}


def number(kind: int, count: int) -> str:
    return f"{kind:08x}{count:016x}"


def large_world() -> dict[str, pl.DataFrame]:
    """Path 0 has an assessment and all sessions, paths 1 and 2 classrooms; each user ten enrollments."""
    rows: dict[str, list[dict[str, Any]]] = {
        "users": [{"user_id": number(1, n), "status": "active"} for n in range(501)],
        "paths": [
            {"path_id": number(2, n), "name": f"Path {n}", "mandatory_replay": False} for n in range(201)
        ],
        "path_steps": [
            _step(0, 0, "assessment"),
            *(_step(1 + n // 300, n, "classroom") for n in range(1, 502)),
        ],
        "path_sessions": [
            {
                "session_id": number(4, n),
                "path_id": number(2, 0),
                "name": f"Session {n}",
                "starts_at": BEGUN + timedelta(hours=n),
            }
            for n in range(501)
        ],
        "enrollments": [
            {
                "enrollment_id": number(5, n),
                "session_id": number(4, n // 501),
                "user_id": number(1, n % 501),
                "enrolled_at": BEGUN,
            }
            for n in range(5_001)
        ],
        "step_activity": [
            *(_activity(n, 900 + n, n, 0) for n in range(501)),
            *(_activity(10_000 + n, 0, n, n) for n in range(251)),
            # The 2,001st registration is the first of the 101st slot.
            *({**_activity(20_000 + n, 1, n % 20, n // 20), "session_id": None} for n in range(2_001)),
        ],
    }
    return {
        name: pl.DataFrame(
            [{"company_id": "acme", **row} for row in rows.get(name, [])], schema=polars_schema(model)
        )
        for name, model in ((table_name(model), model) for model in INPUTS)
    }


def _step(path: int, count: int, kind: str) -> dict[str, Any]:
    return {
        "path_id": number(2, path),
        "step_id": number(3, count),
        "position": count,
        "type": kind,
        "optional": False,
    }


def _activity(count: int, step: int, user: int, hour: int) -> dict[str, Any]:
    begun = BEGUN + timedelta(days=1, hours=hour)
    return {
        "activity_id": number(6, count),
        "user_id": number(1, user),
        "step_id": number(3, step),
        "session_id": number(4, 0),
        "started_at": begun,
        "last_activity_at": begun + timedelta(minutes=30),
        "completed_at": begun + timedelta(minutes=30),
        "progress": 100,
        "time_spent_ms": 1_000,
    }
