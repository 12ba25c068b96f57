"""The cause of each change of a published field: data that were edited, or the passing of time."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from schemas.enums import CHANGE_CAUSES
from transforms.rule_inputs import RuleInputs
from transforms.status_changes import ENROLLED, FIELDS, KEYS, gone, values

_LEARNER = ("session_key", "user_key")
_DEFINITION, _ENROLLMENT, _ACTIVITY, _TIME, _CORRECTION = (pl.lit(cause) for cause in CHANGE_CAUSES)


@dataclass(frozen=True)
class ChangedInput:
    """What input changed since the base release.

    sessions:    session_key; where the session, its path or a step was edited
    enrollments: session_key, user_key, user_id; also of enrollments that are gone
    learners:    company_id, user_id; where the user or their activity was edited
    """

    sessions: pl.DataFrame
    enrollments: pl.DataFrame
    learners: pl.DataFrame


def with_causes(
    found: pl.DataFrame,
    then: pl.DataFrame,
    inputs: RuleInputs,
    changed_input: ChangedInput,
    since: datetime,
    until: datetime,
) -> pl.DataFrame:
    """Add from_as_of, to_as_of and `cause`, the first that applies.

    Where today's data give another value for the earlier instant than was published then, the data changed:
    definition (the session, its path or a step was edited), enrollment (an enrollment of the learner in the
    session was edited, added or removed), correction of earlier data (activity was edited). Otherwise the
    value changed between the two instants: enrollment (one began or ended), definition (a step's period began
    or ended), activity (some took place), time. A cause in a child session (R17) counts in the parent session
    for learners who are enrolled in both.

    then:  the stats of these enrollments as of `since`, by today's data.
    since, until: the two instants, in either order.
    """
    first, last = min(since, until), max(since, until)

    def between(*columns: str) -> pl.Expr:
        return pl.any_horizontal((pl.col(column) > first) & (pl.col(column) <= last) for column in columns)

    paths = inputs.known_sessions.select("session_key", "path_key").lazy()
    periods = inputs.path_versions.periods.lazy().filter(between("since"))
    redefined = inputs.with_parents(paths.join(periods, on="path_key", how="semi")).collect()
    of_enrollments = (inputs.enrollments, inputs.children.enrollments)
    enrolled = pl.concat(frame.lazy().select(_LEARNER) for frame in of_enrollments)

    began_or_ended = inputs.with_parents(
        pl.concat(
            frame.lazy().filter(between("enrolled_at", "archived_at")).select(_LEARNER)
            for frame in of_enrollments
        )
    ).collect()
    worked, named = _worked(inputs, enrolled, between("started_at", "last_activity_at", "completed_at"))
    of_sessions = inputs.sessions.select(
        "company_id",
        "session_id",
        "session_key",
        is_known=True,
        data_definition=pl.col("session_key").is_in(changed_input.sessions["session_key"].implode()),
        definition=pl.col("session_key").is_in(redefined["session_key"].implode()),
    )
    pairs = pl.concat(
        rows.select(*_LEARNER, "user_id") for rows in (inputs.enrollments, changed_input.enrollments)
    ).unique()
    of_pairs = pairs.with_columns(
        _is_among(pairs, changed_input.enrollments, "data_enrollment"),
        _is_among(pairs, began_or_ended, "enrollment"),
        _is_among(pairs, worked, "activity"),
    )
    of_data = (
        # A removed session was edited itself, or its path was.
        pl.when(pl.col("data_definition") | ~pl.col("is_known"))
        .then(_DEFINITION)
        .when(pl.col("data_enrollment") | pl.col("field").is_in(["appeared", "gone"]))
        .then(_ENROLLMENT)
        .otherwise(_CORRECTION)
    )
    of_time = (
        pl.when("enrollment")
        .then(_ENROLLMENT)
        .when("definition")
        .then(_DEFINITION)
        .when(pl.col("activity") | pl.col("activity_of_it"))
        .then(_ACTIVITY)
        .otherwise(_TIME)
    )
    expected = pl.concat(
        [
            values(then).unpivot(FIELDS, index=KEYS, variable_name="field", value_name="value_then"),
            *(then.select(*KEYS, field=pl.lit(field), value_then=ENROLLED) for field in ("appeared", "gone")),
        ]
    )
    return (
        found.join(expected, on=[*KEYS, "field"], how="left", maintain_order="left")
        .join(of_sessions, on=["company_id", "session_id"], how="left", maintain_order="left")
        .join(of_pairs, on=["session_key", "user_id"], how="left", maintain_order="left")
        .join(named, on=[*_LEARNER, "enrollment_id"], how="left", maintain_order="left")
        .with_columns(pl.selectors.boolean().fill_null(False))
        .with_columns(cause=pl.when(_is_another("value_then", "old_value")).then(of_data).otherwise(of_time))
        .select(
            *found.columns,
            from_as_of=pl.lit(since).dt.cast_time_unit("us"),
            to_as_of=pl.lit(until).dt.cast_time_unit("us"),
            cause="cause",
        )
    )


def _worked(inputs: RuleInputs, enrolled: pl.LazyFrame, is_new: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The active learners in sessions, and the enrollments that attempts in their sessions name (R4).

    The second has a column activity_of_it, always true.
    """
    inside, elsewhere = (frame.lazy().filter(is_new) for frame in (inputs.in_session, inputs.elsewhere))
    inside, elsewhere = (frame.join(enrolled, on=_LEARNER, how="semi") for frame in (inside, elsewhere))
    names_one = pl.col("named_enrollment_id").is_not_null()
    every = pl.concat([inside.select(_LEARNER), elsewhere.select(_LEARNER)])
    pairs = pl.concat(
        [
            inside.filter(~names_one).select(_LEARNER),
            elsewhere.select(_LEARNER),
            inputs.for_parents_only(every),
        ]
    )
    named = inside.filter(names_one).select(
        *_LEARNER, enrollment_id="named_enrollment_id", activity_of_it=pl.lit(True)
    )
    return pairs.collect(), named.unique().collect()


def _is_another(one: str, other: str) -> pl.Expr:
    """Whether the values differ; of progress, whether they are on different sides of 100."""
    crossed = (pl.col(one) == "100").fill_null(False) != (pl.col(other) == "100")
    return (
        pl.when(pl.col("field") == "progress").then(crossed).otherwise(pl.col(one).ne_missing(pl.col(other)))
    )


def _is_among(pairs: pl.DataFrame, others: pl.DataFrame, name: str) -> pl.Series:
    """Whether each learner in a session is among the others."""
    marks = others.select(_LEARNER).unique().with_columns(pl.lit(True).alias(name))
    return (
        pairs.select(_LEARNER)
        .join(marks, on=_LEARNER, how="left", maintain_order="left")[name]
        .fill_null(False)
    )


def vanished(found: pl.DataFrame, changed_input: ChangedInput, as_of: datetime) -> pl.DataFrame:
    """How many completion dates of the release before are gone: company_id, vanished, by_definition.

    A date after `as_of` has not vanished, it is not earned yet. by_definition counts the dates, among
    `vanished`, of enrollments that still exist where neither the enrollment nor any activity of the learner
    was edited: a path that gets another required step takes its learners' dates away.

    found: rows of status_changes, with their causes.
    """
    edited = changed_input.enrollments.select("user_id").unique().with_columns(is_edited=True)
    learners = changed_input.learners.unique().with_columns(has_changed=True)
    is_date = pl.col("field") == "completed_at"
    by_definition = (
        (pl.col("cause") == "definition")
        & pl.col("is_gone").is_null()
        & pl.col("is_edited").is_null()
        & pl.col("has_changed").is_null()
    )
    return (
        found.filter(is_date, pl.col("old_value").is_not_null(), pl.col("new_value").is_null())
        .filter(pl.col("old_value").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_zone="UTC") <= as_of)
        .join(gone(found), on=KEYS, how="left")
        .join(edited, on="user_id", how="left")
        .join(learners, on=["company_id", "user_id"], how="left")
        .group_by("company_id")
        .agg(vanished=pl.len(), by_definition=by_definition.sum())
        .sort("company_id")
    )
