"""Add the faults of real exports: broken rows, duplicates, missing references.

Faults are rows added to a sound table, so that the company itself stays whole. In `path_steps`, the one table
written as text, has the two faults that typed files can't contain: a wrong type and a time without a zone.
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
    """One account without a status, one with an unknown status."""
    broken = users.head(2).with_columns(
        user_id=ids("faulty user", seed, 2), status=pl.Series([None, "suspended"], dtype=pl.String)
    )
    return pl.concat([users, broken])


def with_faulty_enrollments(enrollments: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Enrollments without a learner, ending before they begin, contradicting another, in no known session."""

    def some(offset: int) -> pl.DataFrame:
        return sample(enrollments, 1 / 5_000, offset)

    without_user = some(0).with_columns(user_id=pl.lit(None, pl.String))
    backwards = some(1).with_columns(archived_at=pl.col("enrolled_at") - pl.duration(days=1))
    stray = some(2).with_columns(session_id=pl.lit(ids("unknown session", seed, 1)[0]))
    once = some(3)
    fresh = renamed([without_user, backwards, stray, once], "faulty enrollment", seed)
    contradiction = fresh.tail(once.height).with_columns(
        enrolled_at=pl.col("enrolled_at") - pl.duration(hours=1)
    )
    return pl.concat([enrollments, fresh, contradiction, sample(enrollments, 1 / 2_000, 4)])


def with_faulty_activity(activity: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Attempts without or with impossible numbers or times, contradictions, repeats and older versions."""

    def some(offset: int) -> pl.DataFrame:
        return sample(activity, 1 / 10_000, offset)

    blank = some(0).with_columns(progress=pl.lit(None, pl.Int32))
    beyond = some(1).with_columns(progress=pl.lit(140, pl.Int32))
    backwards = some(2).with_columns(last_activity_at=pl.col("started_at") - pl.duration(hours=2))
    once = some(3)
    fresh = renamed([blank, beyond, backwards, once], "faulty activity", seed)
    contradiction = fresh.tail(once.height).with_columns(time_spent_ms=pl.col("time_spent_ms") + 1)
    older = sample(activity, 1 / 500, 4).filter(pl.col("last_activity_at") > pl.col("started_at"))
    older = older.with_columns(
        last_activity_at=pl.col("started_at"),
        completed_at=pl.lit(None, activity.schema["completed_at"]),
        progress=pl.lit(1, pl.Int32),
        score=pl.lit(None, pl.Float64),
    )
    return pl.concat([activity, fresh, contradiction, older, sample(activity, 1 / 1_000, 5)])


def renamed(parts: list[pl.DataFrame], kind: str, seed: int) -> pl.DataFrame:
    """All rows under keys of their own, the same on every day; the key is the second column."""
    return pl.concat(
        part.with_columns(ids(f"{kind} {number}", seed, part.height).alias(part.columns[1]))
        for number, part in enumerate(parts)
    )


def steps_as_json(steps: pl.DataFrame, seed: int) -> str:
    """The table `path_steps` as lines of JSON, followed by three faulty ones; absent where null."""
    text = steps.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    sound = [{name: value for name, value in row.items() if value is not None} for row in text.to_dicts()]
    faults: list[dict[str, Any]] = [
        {"position": "third"},
        {"valid_from": "2024-01-01T00:00:00"},
        {"due_basis": "absolute"},
    ]
    plain = {name: sound[0][name] for name in ("company_id", "path_id", "position", "type", "optional")}
    broken = [
        plain | {"step_id": step_id} | fault
        for step_id, fault in zip(ids("faulty step", seed, len(faults)), faults, strict=True)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in sound + broken)
