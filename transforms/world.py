"""What the rules read: the sound rows of the input, joined and grouped by integer keys."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class World:
    """One night's input. Keys are ranks: sorting by a key sorts by the ids it stands for.

    users:       user_key, user_id
    sessions:    session_key, path_key, company_id, session_id, path_id, name, starts_at, ends_at,
                 restarts_on_reenrollment, mandatory_replay; only sessions whose path is known
    steps:       path_key, step_key, step_id and the definition of PathSteps, one row per version
    enrollments: enrollment_key, session_key, user_key, enrollment_id, enrolled_at, archived_at; sorted by
                 enrollment_key; only those whose session and user are known
    activity:    user_key, step_key, session_key, session_path_key, activity_id and the facts of StepActivity;
                 a null step_key is a step on no path, a null session_key is none or an unknown session
    """

    users: pl.LazyFrame
    sessions: pl.LazyFrame
    steps: pl.LazyFrame
    enrollments: pl.LazyFrame
    activity: pl.LazyFrame


# polars 2.1 may join two small tables first, on a column that only the long one tells apart: out of memory.
JOINS_AS_WRITTEN = pl.QueryOptFlags(join_order=False)


def pair(left: str, right: str) -> pl.Expr:
    """Two 32-bit keys in one 64-bit key: joining on one integer is twice as fast as on two columns."""
    return pl.col(left).cast(pl.UInt64) * 2**32 + pl.col(right)
