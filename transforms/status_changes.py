"""Fields of an enrollment that differ from the live release, and the cause of each change."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from schemas.enums import CHANGE_CAUSES, CHANGED_FIELDS, STILL_TO_DO
from transforms.rule_inputs import RuleInputs

_KEYS = ("company_id", "session_id", "user_id", "enrollment_id")
_PAIR = ("session_key", "user_key")
_FIELDS = CHANGED_FIELDS[:-2]
_DEFINITION, _ENROLLMENT, _ACTIVITY, _TIME, _CORRECTION = (pl.lit(cause) for cause in CHANGE_CAUSES)


@dataclass(frozen=True)
class ChangedInput:
    """Whose input is not what it was when the last release was made.

    sessions:    session_key; where the session, its path or a step was edited
    enrollments: session_key, user_key, user_id; also of enrollments that are gone
    learners:    company_id, user_id; where the user or their activity was edited
    """

    sessions: pl.DataFrame
    enrollments: pl.DataFrame
    learners: pl.DataFrame


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One row per field that differs: the keys, field, old_value, new_value.

    A new enrollment has the single field `appeared`, a removed one `gone`.
    """
    was, now = _values(before), _values(after)
    both = now.join(was, on=_KEYS, suffix="_before")
    fields = [
        both.filter(_differs(field)).select(
            *_KEYS,
            field=pl.lit(field),
            old_value=pl.col(f"{field}_before"),
            new_value=pl.col(field),
        )
        for field in _FIELDS
    ]
    presence = [
        one.join(other, on=_KEYS, how="anti").select(
            *_KEYS, field=pl.lit(field), old_value=old, new_value=new
        )
        for one, other, field, old, new in (
            (now, was, "appeared", _NOTHING, _ENROLLED),
            (was, now, "gone", _ENROLLED, _NOTHING),
        )
    ]
    return pl.concat([*fields, *presence]).sort(*_KEYS, "field")


_NOTHING, _ENROLLED = pl.lit(None, pl.String), pl.lit("enrolled")


def _values(stats: pl.DataFrame) -> pl.DataFrame:
    """The fields as text, null without a value."""
    return stats.select(
        *_KEYS,
        "status",
        pl.concat_str(
            "detailed_status_type", "detailed_status_reason", separator=", ", ignore_nulls=True
        ).alias("detailed_status"),
        "result",
        _instant("completed_at"),
        pl.col("progress").cast(pl.String),
        _instant("archived_at"),
    )


def _instant(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


def _differs(field: str) -> pl.Expr:
    now, before = pl.col(field), pl.col(f"{field}_before")
    if field == "progress":
        return (now == "100") != (before == "100")
    return now.ne_missing(before)


def transitions(found: pl.DataFrame, now: pl.DataFrame) -> dict[str, int]:
    """How many enrollments changed to what people act on, and how many were restated: dates, and themselves.

    Counted are current enrollments, not archived, that are late (R18) or have that detailed status now and
    were not or had not before, newly enrolled ones included; every completion date that is another one; and
    every enrollment that is gone, with or without its completion date.

    found: rows of `changes`. now: rows of PathSessionStats, all that changed among them.
    """
    before = found.group_by("company_id", "enrollment_id").agg(
        is_new=(pl.col("field") == "appeared").any() | (pl.col("field") == "archived_at").any(),
        **{f"{field}_before": _old_value(field) for field in ("status", "detailed_status")},
    )
    changed = (
        now.filter(pl.col("is_current"), pl.col("archived_at").is_null())
        .join(before, on=["company_id", "enrollment_id"])
        .with_columns(
            kind=pl.col("detailed_status_type"),
            kind_before=pl.coalesce(
                pl.col("detailed_status_before").str.split(", ").list.first(), "detailed_status_type"
            ),
            status_before=pl.coalesce("status_before", "status"),
        )
    )
    # While R11 leaves something to do, no required step awaits correction: overdue is `late` in R10.
    was_late = (pl.col("status_before") == "late") & pl.col("kind_before").is_in(STILL_TO_DO)
    acted_on = {
        "became late": pl.col("is_late") & (~was_late | pl.col("is_new")),
        "completed": _became("successful"),
        "to retake": _became("toRetake"),
        "unsuccessful": _became("unsuccessful"),
    }
    found = found.join(_gone(found), on=_KEYS, how="left")
    is_gone = pl.col("is_gone").fill_null(False)
    moved = (pl.col("field") == "completed_at") & pl.col("old_value").is_not_null()
    restated = {
        "completion date moved": moved & pl.col("new_value").is_not_null(),
        "completion date vanished": moved & pl.col("new_value").is_null() & ~is_gone,
        "enrollment gone": pl.col("field") == "gone",
        "enrollment gone with its completion date": moved & is_gone,
    }
    counts = [
        rows.select(**{kind: test.sum() for kind, test in kinds.items()}).row(0, named=True)
        for rows, kinds in ((changed, acted_on), (found, restated))
    ]
    return counts[0] | counts[1]


def with_gone_dates(found: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Add the completion dates that are gone with their enrollments, each with the cause of the row `gone`.

    found: rows of status_changes. before: the rows of the release before.
    """
    dates = _values(before).select(*_KEYS, date="completed_at").drop_nulls()
    gone = (
        found.filter(pl.col("field") == "gone")
        .join(dates, on=_KEYS)
        .with_columns(field=pl.lit("completed_at"), old_value="date")
    )
    return pl.concat([found, gone.select(found.columns)]).sort(*_KEYS, "field")


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
        .join(_gone(found), on=_KEYS, how="left")
        .join(edited, on="user_id", how="left")
        .join(learners, on=["company_id", "user_id"], how="left")
        .group_by("company_id")
        .agg(vanished=pl.len(), by_definition=by_definition.sum())
        .sort("company_id")
    )


def _gone(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("field") == "gone").select(*_KEYS, is_gone=True)


def _old_value(field: str) -> pl.Expr:
    return pl.col("old_value").filter(pl.col("field") == field).first()


def _became(kind: str) -> pl.Expr:
    """Whether the detailed status is another one now, another reason alone not counted."""
    return (pl.col("kind") == kind) & ((pl.col("kind_before") != kind) | pl.col("is_new"))


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
    redefined = inputs.seen_from_above(paths.join(periods, on="path_key", how="semi")).collect()
    of_enrollments = (inputs.enrollments, inputs.below.enrollments)
    enrolled = pl.concat(frame.lazy().select(_PAIR) for frame in of_enrollments)

    began_or_ended = inputs.seen_from_above(
        pl.concat(
            frame.lazy().filter(between("enrolled_at", "archived_at")).select(_PAIR)
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
        rows.select(*_PAIR, "user_id") for rows in (inputs.enrollments, changed_input.enrollments)
    ).unique()
    of_pairs = pairs.with_columns(
        _marked(pairs, changed_input.enrollments, "data_enrollment"),
        _marked(pairs, began_or_ended, "enrollment"),
        _marked(pairs, worked, "activity"),
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
            _values(then).unpivot(_FIELDS, index=_KEYS, variable_name="field", value_name="value_then"),
            *(
                then.select(*_KEYS, field=pl.lit(field), value_then=_ENROLLED)
                for field in ("appeared", "gone")
            ),
        ]
    )
    return (
        found.join(expected, on=[*_KEYS, "field"], how="left", maintain_order="left")
        .join(of_sessions, on=["company_id", "session_id"], how="left", maintain_order="left")
        .join(of_pairs, on=["session_key", "user_id"], how="left", maintain_order="left")
        .join(named, on=[*_PAIR, "enrollment_id"], how="left", maintain_order="left")
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
    """Who was active: learners in sessions, and the enrollments that attempts in their sessions name (R4).

    The second has a column activity_of_it, always true.
    """
    inside, elsewhere = (frame.lazy().filter(is_new) for frame in (inputs.in_session, inputs.elsewhere))
    inside, elsewhere = (frame.join(enrolled, on=_PAIR, how="semi") for frame in (inside, elsewhere))
    names_one = pl.col("named_enrollment_id").is_not_null()
    every = pl.concat([inside.select(_PAIR), elsewhere.select(_PAIR)])
    pairs = pl.concat(
        [
            inside.filter(~names_one).select(_PAIR),
            elsewhere.select(_PAIR),
            inputs.only_from_above(every),
        ]
    )
    named = inside.filter(names_one).select(
        *_PAIR, enrollment_id="named_enrollment_id", activity_of_it=pl.lit(True)
    )
    return pairs.collect(), named.unique().collect()


def _is_another(one: str, other: str) -> pl.Expr:
    """Whether the values differ; of progress, whether they are on different sides of 100."""
    crossed = (pl.col(one) == "100").fill_null(False) != (pl.col(other) == "100")
    return (
        pl.when(pl.col("field") == "progress").then(crossed).otherwise(pl.col(one).ne_missing(pl.col(other)))
    )


def _marked(pairs: pl.DataFrame, those: pl.DataFrame, name: str) -> pl.Series:
    """Whether each pair is among those."""
    marks = those.select(_PAIR).unique().with_columns(pl.lit(True).alias(name))
    return pairs.select(_PAIR).join(marks, on=_PAIR, how="left", maintain_order="left")[name].fill_null(False)
