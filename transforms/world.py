"""What the rules read, the sound rows of some sessions, and what they say of it; keys are integers."""

from dataclasses import dataclass, replace

import polars as pl

from transforms.curricula import Curricula


@dataclass(frozen=True)
class World:
    """Some sessions, with everything the rules may look at. No rule looks from one session into another.

    sessions:    session_key, path_key, company_id, session_id, path_id, name, starts_at, ends_at,
                 restarts_on_reenrollment, mandatory_replay; in publication order
    curricula:   the steps of all paths, by their times
    enrollments: session_key, user_key, user_id, enrollment_id, enrolled_at, archived_at, as_of: the instant
                 an enrolment is asked about, the same for all of a learner in a session. A learner may be
                 asked about several instants at once: each is a world of its own
    in_session:  session_key, user_key, step_key and the facts of StepActivity: attempts made in the session
    elsewhere:   the same columns and activity_id: attempts at a step of the session's path by one of its
                 learners, completed in another session or outside any; session_key is the one that looks
    """

    sessions: pl.DataFrame
    curricula: Curricula
    enrollments: pl.DataFrame
    in_session: pl.DataFrame
    elsewhere: pl.DataFrame

    def asked_about(self, enrollments: pl.DataFrame) -> "World":
        """The same sessions, other enrolments or other instants."""
        return replace(self, enrollments=enrollments)


# What names an enrolment beside its ids.
KEYS = ("enrollment", "session_key", "user_key", "as_of")


@dataclass(frozen=True)
class Evaluation:
    """What the rules say of a world, each enrolment as of its own instant; rows in publication order.

    stats: KEYS (enrollment numbers the rows) and the columns of PathSessionStats
    steps: enrollment and the columns of StepStats
    """

    stats: pl.DataFrame
    steps: pl.DataFrame


# polars 2.1 may join two small tables first, on a column that only the long one tells apart: out of memory.
JOINS_AS_WRITTEN = pl.QueryOptFlags(join_order=False)


def pair(left: str, right: str) -> pl.Expr:
    """Two 32-bit keys in one 64-bit key: joining on one integer is twice as fast as on two columns."""
    return pl.col(left).cast(pl.UInt64) * 2**32 + pl.col(right)
