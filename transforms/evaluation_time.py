"""R1 and R2: the time at which an enrollment is evaluated, and until which activity counts."""

import polars as pl

from transforms.rule_inputs import JOINS_AS_WRITTEN, RuleInputs

_AN_INSTANT = pl.duration(microseconds=1)


def takes_part() -> pl.Expr:
    """Whether the enrollment exists at as_of."""
    return pl.col("enrolled_at") <= pl.col("as_of")


def archived() -> pl.Expr:
    """R1, R14: whether the learner is unenrolled at as_of."""
    return (pl.col("archived_at") <= pl.col("as_of")).fill_null(False)


def evaluated_at() -> pl.Expr:
    """R1: T_eff, the instant at which everything about the enrollment is evaluated."""
    return pl.when(archived()).then("archived_at").otherwise("as_of")


def counts_until() -> pl.Expr:
    """R2: the last instant that counts: not after T_eff, and before the session's end."""
    return pl.min_horizontal("evaluated_at", pl.col("ends_at") - _AN_INSTANT)


def evaluated_enrollments(inputs: RuleInputs) -> pl.DataFrame:
    """The enrollments that take part, with their session's facts, in publication order.

    The requested enrollments and the child enrollments that they depend on (R17).

    Adds: enrollment (the row's number), learner_session (a number for each learner, session and as_of),
    archived_at (null unless archived, R14), leaves_at (when it will be archived), evaluated_at, counts_until,
    next_enrolled_at, path_version_key and is_requested.
    """
    sessions = inputs.known_sessions.drop("path_id", "name").with_row_index("session")
    within = (pl.col("since") <= pl.col("evaluated_at")) & (
        pl.col("until").is_null() | (pl.col("evaluated_at") < pl.col("until"))
    )
    rows = (
        with_child_enrollments(inputs)
        .lazy()
        .filter(takes_part())
        .join(sessions.lazy(), on="session_key")
        .with_columns(
            evaluated_at=evaluated_at(),
            archived_at=pl.when(archived()).then("archived_at"),
            leaves_at=pl.when(~archived()).then("archived_at"),
        )
        .with_columns(counts_until=counts_until())
        .join(inputs.path_versions.periods.lazy(), on="path_key")
        .filter(within)
        .drop("since", "until")
        .sort("session", "user_place", "as_of", "enrollment_id")
        .drop("user_place")
        .with_row_index("enrollment")
        .pipe(with_learner_session)
        .collect(engine="in-memory", optimizations=JOINS_AS_WRITTEN)
    )
    return rows.join(next_enrollments(rows), on="enrollment", how="left", maintain_order="left")


def with_child_enrollments(inputs: RuleInputs) -> pl.DataFrame:
    """R17: the enrollments, and the ones in child sessions as of each evaluation time of a parent.

    Adds is_requested: false for enrollments that only parents read.
    """
    found = [inputs.enrollments.with_columns(is_requested=True)]
    if inputs.children.sessions.is_empty():
        return found[0]
    moments = found[0].select("session_key", "user_key", "as_of").unique()
    while found[-1].height:
        looking = found[-1].filter(takes_part()).select("session_key", "user_key", as_of=evaluated_at())
        wanted = (
            looking.join(inputs.children.descendants, on="session_key")
            .select("user_key", "as_of", session_key="child_key")
            .unique()
            .join(moments, on=moments.columns, how="anti", maintain_order="left")
            .select(moments.columns)
        )
        moments = pl.concat([moments, wanted])
        below = inputs.children.enrollments.join(wanted, on=["session_key", "user_key"])
        found.append(below.select(inputs.enrollments.columns).with_columns(is_requested=False))
    return pl.concat(found)


def with_learner_session(enrollments: pl.LazyFrame) -> pl.LazyFrame:
    """Add learner_session, a number for each learner, session and as_of. Rows of one must be adjacent."""
    begins = pl.any_horizontal(
        pl.col(name) != pl.col(name).shift(1) for name in ("session_key", "user_key", "as_of")
    )
    return enrollments.with_columns(learner_session=begins.fill_null(False).cum_sum())


def next_enrollments(rows: pl.DataFrame) -> pl.DataFrame:
    """R4: when the learner's next enrollment in the session takes over: enrollment, next_enrolled_at.

    Only where sessions restart, and learners have several. Equal instants: the greater enrollment id takes
    over at once, so the other owns nothing. Null for the last one.
    """
    following = (
        pl.col("enrolled_at").shift(-1).over("learner_session", order_by=["enrolled_at", "enrollment"])
    )
    return rows.filter("restarts_on_reenrollment", pl.col("learner_session").is_duplicated()).select(
        "enrollment", next_enrolled_at=following
    )
