"""The rule inputs: the frames that the rules read for one part. Keys are integers."""

from dataclasses import dataclass, field, replace

import polars as pl

from transforms.path_versions import PathVersions


@dataclass(frozen=True)
class ChildSessions:
    """R17: the child sessions of some sessions, and theirs, however deep.

    sessions:    as RuleInputs.sessions
    enrollments: as RuleInputs.enrollments, without as_of; of learners with an enrollment in a parent session
    descendants: session_key, child_key: each session and every one below it
    """

    sessions: pl.DataFrame
    enrollments: pl.DataFrame
    descendants: pl.DataFrame


@dataclass(frozen=True)
class RuleInputs:
    """Some sessions, with everything that the rules read. Only child sessions are read from elsewhere (R17).

    sessions:       session_key, path_key, company_id, session_id, path_id, name, starts_at, ends_at,
                    restarts_on_reenrollment, mandatory_replay, is_child: whether the session was made for a
                    sub-path, root_key: the session that it was made for, or its own key; in publication order
    path_versions:  the counted steps of all paths
    enrollments:    session_key, user_key, user_id, user_place (the learner's among all in publication order),
                    enrollment_id, enrolled_at, archived_at, as_of: the instant to evaluate at, the same for
                    all enrollments of a learner in a session. They may be there again with other instants,
                    which do not affect each other
    in_session:     session_key, user_key, step_key, the facts of StepActivity and named_enrollment_id, its
                    enrollment_id: attempts made in the session or in a child session
    elsewhere:      session_key, user_key, step_key, the same facts and activity_id: attempts at a step of the
                    session's path by one of its learners, completed in another session or outside any;
                    session_key is the session that reads it, made_in_key the one in which it was made
    open_elsewhere: the same of attempts that are not completed; no rule counts them
    step_ids, session_ids: the id of each step_key and each session_key
    children:       the child sessions (R17)
    """

    sessions: pl.DataFrame
    path_versions: PathVersions
    enrollments: pl.DataFrame
    in_session: pl.DataFrame
    elsewhere: pl.DataFrame
    open_elsewhere: pl.DataFrame
    step_ids: pl.Series
    session_ids: pl.Series
    children: ChildSessions

    def with_enrollments(self, enrollments: pl.DataFrame) -> "RuleInputs":
        """The same sessions, other enrollments or other instants."""
        return replace(self, enrollments=enrollments)

    @property
    def known_sessions(self) -> pl.DataFrame:
        """The sessions and their child sessions, in publication order."""
        if self.children.sessions.is_empty():
            return self.sessions
        both = pl.concat([self.sessions, self.children.sessions])
        return both.unique("session_key").sort("company_id", "session_id")

    def with_parents(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Rows that have a session_key, and again each for every parent session of its session."""
        return rows if self.children.sessions.is_empty() else pl.concat([rows, self.for_parents_only(rows)])

    def for_parents_only(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Each row for every parent session of its session."""
        parents = self.children.descendants.lazy().select(parent="session_key", session_key="child_key")
        found = rows.join(parents, on="session_key").with_columns(session_key="parent")
        return found.select(rows.collect_schema().names())


# The columns that identify an enrollment, in addition to its ids.
KEYS = ("enrollment", "session_key", "user_key", "as_of")


@dataclass(frozen=True)
class Evaluation:
    """The results of the rules for one part, each enrollment as of its own instant, in publication order.

    stats:    KEYS (enrollment numbers the rows) and the columns of PathSessionStats
    steps:    enrollment and the columns of StepStats
    attempts: enrollment and the columns of Attempts; without any unless they were asked for
    """

    stats: pl.DataFrame
    steps: pl.DataFrame
    attempts: pl.DataFrame = field(default_factory=pl.DataFrame)


# polars 2.1 may join two small tables first, on a column without distinct values: out of memory.
# Joins and sorts are collected in memory, sums by streaming: the other way takes twice as long.
JOINS_AS_WRITTEN = pl.QueryOptFlags(join_order=False)


def joint_key(left: str, right: str) -> pl.Expr:
    """Two 32-bit keys in one 64-bit key: joining on one integer is twice as fast as on two columns."""
    return pl.col(left).cast(pl.UInt64) * 2**32 + pl.col(right)
