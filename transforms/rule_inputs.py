"""The rule inputs: the frames that the rules read for one part. Keys are integers."""

from dataclasses import dataclass, field, replace

import polars as pl

from transforms.path_versions import PathVersions


@dataclass(frozen=True)
class Below:
    """R17: the child sessions of some sessions, and theirs, however deep.

    sessions:    as RuleInputs.sessions
    enrollments: as RuleInputs.enrollments, without as_of; of learners with an enrollment in a session above
    looks_into:  session_key, child_key: each session and every one below it
    """

    sessions: pl.DataFrame
    enrollments: pl.DataFrame
    looks_into: pl.DataFrame


@dataclass(frozen=True)
class RuleInputs:
    """Some sessions, with everything the rules may look at: only into child sessions (R17) do they look.

    sessions:    session_key, path_key, company_id, session_id, path_id, name, starts_at, ends_at,
                 restarts_on_reenrollment, mandatory_replay, root_key: the session that it was made for, or
                 its own key, is_child: whether it was made for one; in publication order
    path_versions:   the steps of all paths, by their times
    enrollments: session_key, user_key, user_id, user_place (the learner's among all in publication order),
                 enrollment_id, enrolled_at, archived_at, as_of: the instant an enrollment is asked about, the
                 same for all of a learner in a session. A learner may be asked about several instants at
                 once: each is a inputs of its own
    in_session:  session_key, user_key, step_key, the facts of StepActivity and named_enrollment_id, its
                 enrollment_id: attempts made in the session, here or below
    elsewhere:   session_key, user_key, step_key, the same facts and activity_id: attempts at a step of the
                 session's path by one of its learners, completed in another session or outside any;
                 session_key is the one that looks,
                 made_in_key the one in which it was made
    open_elsewhere: the same of attempts that are not completed; no rule counts them
    step_ids, session_ids: the id of each step_key and each session_key
    below:       the sessions that R17 looks into
    """

    sessions: pl.DataFrame
    path_versions: PathVersions
    enrollments: pl.DataFrame
    in_session: pl.DataFrame
    elsewhere: pl.DataFrame
    open_elsewhere: pl.DataFrame
    step_ids: pl.Series
    session_ids: pl.Series
    below: Below

    def with_enrollments(self, enrollments: pl.DataFrame) -> "RuleInputs":
        """The same sessions, other enrollments or other instants."""
        return replace(self, enrollments=enrollments)

    @property
    def known_sessions(self) -> pl.DataFrame:
        """The sessions and those below them, in publication order."""
        if self.below.sessions.is_empty():
            return self.sessions
        both = pl.concat([self.sessions, self.below.sessions])
        return both.unique("session_key").sort("company_id", "session_id")

    def seen_from_above(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Rows that have a session_key, and again each for the sessions that look into its session."""
        return rows if self.below.sessions.is_empty() else pl.concat([rows, self.only_from_above(rows)])

    def only_from_above(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Each row for the sessions that look into its session."""
        above = self.below.looks_into.lazy().select(above="session_key", session_key="child_key")
        seen = rows.join(above, on="session_key").with_columns(session_key="above")
        return seen.select(rows.collect_schema().names())


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
# What only joins and sorts is collected in memory, what sums by streaming: the other way takes twice as long.
JOINS_AS_WRITTEN = pl.QueryOptFlags(join_order=False)


def pair(left: str, right: str) -> pl.Expr:
    """Two 32-bit keys in one 64-bit key: joining on one integer is twice as fast as on two columns."""
    return pl.col(left).cast(pl.UInt64) * 2**32 + pl.col(right)
