"""Add the faults of real exports: invalid rows, duplicates, missing references.

Faults are extra rows, so that the company's own data stays complete. `path_steps` is written as text and gets
the two faults that typed files can't contain: a wrong type and a time without a zone.
"""

import json
from typing import Any

import polars as pl

from flows.sources.demo.random_draws import ids


def sample(table: pl.DataFrame, share: float, offset: int) -> pl.DataFrame:
    """A share of the rows, evenly spaced and at least one; another offset gives other rows."""
    every = max(1, min(round(1 / share), table.height - offset))
    return table.gather_every(every, offset)


def with_faulty_users(users: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add an account without a status and an account with an unknown status."""
    invalid = users.head(2).with_columns(
        user_id=ids("faulty user", seed, 2), status=pl.Series([None, "suspended"], dtype=pl.String)
    )
    return pl.concat([users, invalid])


def with_faulty_enrollments(enrollments: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add enrollments without a learner, in an unknown session, contradictory, or ending before the start."""

    def some(offset: int) -> pl.DataFrame:
        return sample(enrollments, 1 / 5_000, offset)

    without_user = some(0).with_columns(user_id=pl.lit(None, pl.String))
    ends_before_start = some(1).with_columns(archived_at=pl.col("enrolled_at") - pl.duration(days=1))
    unknown_session = some(2).with_columns(session_id=pl.lit(ids("unknown session", seed, 1)[0]))
    original = some(3)
    faulty = with_new_keys(
        [without_user, ends_before_start, unknown_session, original], "faulty enrollment", seed
    )
    contradiction = faulty.tail(original.height).with_columns(
        enrolled_at=pl.col("enrolled_at") - pl.duration(hours=1)
    )
    return pl.concat([enrollments, faulty, contradiction, sample(enrollments, 1 / 2_000, 4)])


def with_faulty_activity(activity: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add attempts with missing or impossible values, contradictions, duplicates and older versions."""

    def some(offset: int) -> pl.DataFrame:
        return sample(activity, 1 / 10_000, offset)

    without_progress = some(0).with_columns(progress=pl.lit(None, pl.Int32))
    out_of_range = some(1).with_columns(progress=pl.lit(140, pl.Int32))
    ends_before_start = some(2).with_columns(last_activity_at=pl.col("started_at") - pl.duration(hours=2))
    original = some(3)
    faulty = with_new_keys(
        [without_progress, out_of_range, ends_before_start, original], "faulty activity", seed
    )
    contradiction = faulty.tail(original.height).with_columns(time_spent_ms=pl.col("time_spent_ms") + 1)
    older = sample(activity, 1 / 500, 4).filter(pl.col("last_activity_at") > pl.col("started_at"))
    older = older.with_columns(
        last_activity_at=pl.col("started_at"),
        completed_at=pl.lit(None, activity.schema["completed_at"]),
        progress=pl.lit(1, pl.Int32),
        score=pl.lit(None, pl.Float64),
    )
    return pl.concat([activity, faulty, contradiction, older, sample(activity, 1 / 1_000, 5)])


def with_new_keys(parts: list[pl.DataFrame], kind: str, seed: int) -> pl.DataFrame:
    """All rows with new keys, which are the same on every day; the key is the second column."""
    return pl.concat(
        part.with_columns(ids(f"{kind} {number}", seed, part.height).alias(part.columns[1]))
        for number, part in enumerate(parts)
    )


def steps_as_json(steps: pl.DataFrame, seed: int) -> str:
    """The table `path_steps` as lines of JSON without null values, followed by three faulty lines."""
    text = steps.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    valid = [{name: value for name, value in row.items() if value is not None} for row in text.to_dicts()]
    faults: list[dict[str, Any]] = [
        {"position": "third"},
        {"valid_from": "2024-01-01T00:00:00"},
        {"due_basis": "absolute"},
    ]
    plain = {name: valid[0][name] for name in ("company_id", "path_id", "position", "type", "optional")}
    invalid = [
        plain | {"step_id": step_id} | fault
        for step_id, fault in zip(ids("faulty step", seed, len(faults)), faults, strict=True)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in valid + invalid)
