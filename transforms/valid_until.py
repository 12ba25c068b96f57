"""valid_until: the next instant at which a published field changes without new data.

Most of what time does is certain: the session opens, it ends, a due date passes, the learner is unenrolled.
Whether anything else that lies ahead changes a field, an attempt dated later than as_of or a later definition
of a step, only the rules know: they are evaluated at each such instant in turn.
"""

from collections.abc import Callable

import polars as pl

from schemas.outputs import Stats
from transforms.detailed_status import OPEN_RULES
from transforms.due_dates import LAST_INSTANT
from transforms.rule_inputs import Evaluation, RuleInputs

_AN_INSTANT = pl.duration(microseconds=1)
_PAIR = ("session_key", "user_key")


def next_certain_change() -> pl.Expr:
    """The earliest instant at which the passing of time is certain to change a field; null: none.

    Null where the learner is archived: everything about such an enrollment is as of then (R1).
    """
    opens = pl.when(pl.col("starts_at") > pl.col("as_of")).then("starts_at")
    # R11.6 changes nothing where R11.1 to 4 decide.
    ends = pl.when(
        (pl.col("ends_at") > pl.col("as_of")) & pl.col(Stats.deciding_rule).is_in(OPEN_RULES)
    ).then("ends_at")
    # A step is overdue once its due date is in the past: not at the very instant (R5).
    due = pl.col("next_due_at_of_any")
    overdue = pl.when(due < LAST_INSTANT).then(due + _AN_INSTANT)
    return pl.when(pl.col(Stats.archived_at).is_null()).then(
        pl.min_horizontal(opens, ends, overdue, "leaves_at")
    )


def with_valid_until(
    now: Evaluation, inputs: RuleInputs, evaluate: Callable[[RuleInputs], Evaluation]
) -> pl.DataFrame:
    """The evaluation's stats, `valid_until` exact: nothing changes before, and something does then."""
    if now.stats.is_empty() or (ahead := instants_ahead(inputs)).is_empty():
        return now.stats
    found = []
    waiting = _next_instant(now.stats.with_columns(instant="as_of"), ahead)
    while waiting.height:
        later = evaluate(inputs.with_enrollments(_asked_at(waiting, inputs.enrollments)))
        changes = _differ(waiting, now, later)
        found.append(waiting.filter(changes).select("enrollment", "instant"))
        waiting = _next_instant(waiting.filter(~changes), ahead)
    return (
        now.stats.join(pl.concat(found), on="enrollment", how="left", maintain_order="left")
        .with_columns(valid_until=pl.coalesce("instant", "valid_until"))
        .drop("instant")
        if found
        else now.stats
    )


def instants_ahead(inputs: RuleInputs) -> pl.DataFrame:
    """Every instant after as_of at which something known about a learner in a session may begin to matter.

    session_key, user_key, instant; none twice.
    """
    pairs = inputs.enrollments.lazy().select(*_PAIR, "as_of").unique()
    sessions = inputs.known_sessions.lazy()
    changing = [
        inputs.path_versions.periods.lazy()
        .join(sessions.select("path_key", "session_key"), on="path_key")
        .select("session_key", instant="since"),
        # What a session's opening does to its own enrollments is certain; to those above it may be nothing.
        inputs.children.sessions.lazy().select("session_key", instant="starts_at"),
    ]
    activity = [
        frame.lazy().select(*_PAIR, instant=pl.col(column))
        for frame in (inputs.in_session, inputs.elsewhere)
        for column in ("started_at", "last_activity_at", "completed_at")
    ]
    enrolling = [
        frame.lazy().select(*_PAIR, instant=pl.col(column))
        for frame in (inputs.enrollments, inputs.children.enrollments)
        for column in ("enrolled_at", "archived_at")
    ]
    first = inputs.enrollments["as_of"].min()
    of_pairs, of_sessions = (
        inputs.with_parents(pl.concat(instants).filter(pl.col("instant") > first))
        for instants in ([*activity, *enrolling], changing)
    )
    return (
        pl.concat(
            [
                of_pairs.join(pairs, on=_PAIR).select(*_PAIR, "as_of", "instant"),
                of_sessions.join(pairs, on="session_key").select(*_PAIR, "as_of", "instant"),
            ]
        )
        .filter(pl.col("instant") > pl.col("as_of"))
        .select(*_PAIR, "instant")
        .unique()
        .collect()
    )


def _next_instant(rows: pl.DataFrame, ahead: pl.DataFrame) -> pl.DataFrame:
    """The rows with a next instant before their valid_until, in column `instant`."""
    return (
        rows.lazy()
        .select("enrollment", *_PAIR, "as_of", "enrollment_id", "valid_until", after="instant")
        .join(ahead.lazy(), on=_PAIR)
        .filter(pl.col("instant") > pl.col("after"))
        .group_by("enrollment", *_PAIR, "as_of", "enrollment_id", "valid_until")
        .agg(pl.col("instant").min())
        .filter((pl.col("instant") < pl.col(Stats.valid_until)).fill_null(True))
        .collect()
    )


def _asked_at(waiting: pl.DataFrame, enrollments: pl.DataFrame) -> pl.DataFrame:
    """All enrollments of the learners in the sessions, as of the instants they are asked about."""
    return enrollments.join(waiting.select(*_PAIR, "as_of", "instant").unique(), on=[*_PAIR, "as_of"]).select(
        pl.exclude("as_of", "instant"), as_of="instant"
    )


def _differ(waiting: pl.DataFrame, now: Evaluation, later: Evaluation) -> pl.Series:
    """Whether any published field of each waiting row is another one later."""
    then = waiting.join(
        later.stats.select(*_PAIR, "enrollment_id", instant="as_of", later="enrollment"),
        on=[*_PAIR, "enrollment_id", "instant"],
        how="left",
        maintain_order="left",
    )
    before, after = _published_rows(now, waiting["enrollment"]), _published_rows(later, then["later"])
    changed = [
        one.join(other, on=one.columns, how="anti", nulls_equal=True)["row"]
        for table in (0, 1)
        for one, other in ((before[table], after[table]), (after[table], before[table]))
    ]
    return pl.int_range(waiting.height, dtype=pl.UInt32, eager=True).is_in(pl.concat(changed).implode())


def _published_rows(evaluated: Evaluation, enrollments: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The published rows of the enrollments, numbered in the requested order."""
    asked = pl.DataFrame({"enrollment": enrollments}).with_row_index("row")
    stats = evaluated.stats.drop(*_PAIR, "as_of", "valid_until")
    return (
        stats.join(asked, on="enrollment").drop("enrollment"),
        evaluated.steps.join(asked, on="enrollment").drop("enrollment"),
    )
