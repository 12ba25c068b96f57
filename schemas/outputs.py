"""The schemas of the published tables, each with the checks that every release passes."""

from typing import Any

import pandera.polars as pa
import polars as pl

from schemas.columns import Table, Time, column
from schemas.enums import (
    ATTEMPT_ACCOUNTS,
    CHANGE_CAUSES,
    CHANGED_FIELDS,
    COMPARED,
    COUNTED_ATTEMPTS,
    DECIDING_RULES,
    DETAILED_STATUS_REASONS,
    DETAILED_STATUSES,
    PARITY_DIFFERENCES,
    PENDING_REASONS,
    REJECTION_REASONS,
    RESULTS,
    STATUSES,
)
from schemas.inputs import PathSessions, Users


def check(data: pa.PolarsData, truth: pl.Expr) -> pl.LazyFrame:
    """The check's result per row; null counts as failed (pandera would let it pass)."""
    return data.lazyframe.select(truth.fill_null(False))


def strictly_ascending(*columns: str) -> pl.Expr:
    """Whether each row's key is greater than the key of the row before: sorted and unique at once.

    On a table that is already sorted by its key this is a hundred times cheaper than a unique check.
    """
    greater, equal_so_far = pl.lit(False), pl.lit(True)
    for name in columns:
        here, before = pl.col(name), pl.col(name).shift(1)
        greater = greater | (equal_so_far & (here > before))
        equal_so_far = equal_so_far & (here == before)
    return greater | (pl.int_range(pl.len()) == 0)


class PathSessionStats(Table):
    """The endpoint's fields for each enrollment, and the values they were derived from."""

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    user_id: str = column("The learner.")
    enrollment_id: str = column("The enrollment.")
    is_current: bool = column(
        "Whether this is the current enrollment of its learner and session: R15. Exactly one is."
    )
    progress: pl.Int32 = column(
        "Mean progress of the required steps, rounded down: R7.", unit="percent", ge=0, le=100
    )
    global_time_ms: pl.Int64 = column("Time spent: R8.", unit="ms", ge=0)
    score: pl.Int32 = column(
        "Mean score of the counted steps that have one, rounded half up: R9.",
        unit="percent",
        null="no step has a score",
        ge=0,
        le=100,
    )
    status: str = column("The status: R10.", isin=STATUSES)
    completed_at: Time = column(
        "When the path was earned, the latest of its required steps: R13.", null="not successful"
    )
    detailed_status_type: str = column("The detailed status: R11.", isin=DETAILED_STATUSES)
    detailed_status_reason: str = column(
        "Why the detailed status is what it is: R11.",
        null="the status needs no reason",
        isin=DETAILED_STATUS_REASONS,
    )
    result: str = column("The result: R12.", null="still open", isin=RESULTS)
    archived_at: Time = column(
        "When the learner was unenrolled; all other fields are as of then: R1, R14.", null="still enrolled"
    )
    enrolled_at: Time = column("When the learner was enrolled.")
    started_at: Time = column(
        "When the first counting attempt on a counted step began: R6.", null="not started"
    )
    next_due_at: Time = column(
        "The earliest future due date of a required step that is not finished.", null="no future due date"
    )
    overdue_steps: pl.Int32 = column("Required steps that are overdue: R5.", unit="steps", ge=0)
    required_steps: pl.Int32 = column("Counted steps that are not optional: R3.", unit="steps", ge=0)
    required_steps_finished: pl.Int32 = column("Required steps that are finished: R5.", unit="steps", ge=0)
    decided_by_step_id: str = column(
        "The step that decided the detailed status: R11.", null="no single step decided"
    )
    deciding_rule: str = column(
        "The line of R11 that decided the detailed status, or would have decided it had the session not "
        "ended.",
        isin=DECIDING_RULES,
    )
    all_required_finished_at: Time = column(
        "When the last required step was first finished.", null="not all required steps are finished"
    )
    is_late: bool = column(
        "Whether a required step is overdue, the learner is enrolled, and the path can still be earned: R18."
    )
    late_since: Time = column(
        "The earliest due date of the overdue required steps of a late learner: R18.", null="not late"
    )
    valid_until: Time = column(
        "The next instant at which, without new data, a published field of the enrollment or of its steps "
        "changes.",
        null="no field changes again without new data",
    )

    class Config(Table.Config):
        name = "path_session_stats"
        metadata = {"key": ["company_id", "session_id", "user_id", "enrollment_id"]}

    @pa.dataframe_check(name="sorted_by_key_without_duplicates")
    def sorted_by_key(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, strictly_ascending("company_id", "session_id", "user_id", "enrollment_id"))

    @pa.dataframe_check(name="progress_100_means_all_required_steps_finished")
    def full_progress(cls, data: pa.PolarsData) -> pl.LazyFrame:
        required, finished = pl.col("required_steps"), pl.col("required_steps_finished")
        all_finished = (finished == required) & (required > 0)
        return check(data, ((pl.col("progress") == 100) == all_finished) & (finished <= required))

    @pa.dataframe_check(name="completed_at_set_when_successful")
    def completed_when_successful(cls, data: pa.PolarsData) -> pl.LazyFrame:
        successful = pl.col("detailed_status_type") == "successful"
        return check(data, pl.col("completed_at").is_not_null() == successful)

    @pa.dataframe_check(name="reason_fits_detailed_status")
    def reason_fits(cls, data: pa.PolarsData) -> pl.LazyFrame:
        kind, reason = pl.col("detailed_status_type"), pl.col("detailed_status_reason")
        return check(
            data,
            reason.is_null()
            | ((kind == "unsuccessful") & (reason == "sessionEnded"))
            | ((kind == "toRetake") & (reason == "mandatoryReplay")),
        )

    @pa.dataframe_check(name="completed_has_progress_100")
    def completed_has_full_progress(cls, data: pa.PolarsData) -> pl.LazyFrame:
        completed = (pl.col("status") == "completed") & (pl.col("required_steps") > 0)
        return check(data, ~completed | (pl.col("progress") == 100))

    @pa.dataframe_check(name="successful_has_a_result")
    def successful_has_result(cls, data: pa.PolarsData) -> pl.LazyFrame:
        successful = pl.col("detailed_status_type") == "successful"
        return check(data, ~successful | pl.col("result").is_not_null())

    @pa.dataframe_check(name="late_has_an_overdue_step_and_its_date")
    def late_fits(cls, data: pa.PolarsData) -> pl.LazyFrame:
        late, since = pl.col("is_late"), pl.col("late_since").is_not_null()
        return check(data, (late == since) & (~late | (pl.col("overdue_steps") > 0)))

    @pa.dataframe_check(name="one_current_enrollment_per_learner_and_session")
    def one_current(cls, data: pa.PolarsData) -> pl.LazyFrame:
        pair = pl.struct("company_id", "session_id", "user_id").rle_id()
        currents = pl.col("is_current").cast(pl.Int32).sum().over("pair", order_by=None)
        return data.lazyframe.with_columns(pair=pair).select((currents == 1).fill_null(False))


class StepStats(Table):
    """The outcome of each counted step of each enrollment (R5).

    The outcome of a sub-path comes from its child session (R17): it may be exhausted before it is finished.
    """

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    user_id: str = column("The learner.")
    enrollment_id: str = column("The enrollment.")
    step_id: str = column("The counted step: R3.")
    position: pl.Int32 = column("The step's place in the path.", ge=0)
    optional: bool = column("Whether the path can be finished without the step.")
    finished: bool = column("Whether some attempt is finished.")
    finished_at: Time = column("The earliest completion of a finished attempt.", null="not finished")
    successful: bool = column("Whether some finished attempt meets every condition of the step.")
    successful_at: Time = column("The earliest completion of such an attempt.", null="not successful")
    exhausted: bool = column("Finished without success, with no attempt left.")
    to_retake: bool = column("Finished without success, with an attempt left.")
    replay_pending: bool = column("Done only outside the session, and the path requires a replay in it.")
    awaiting_correction: bool = column(
        "An assessment that the learner has reached and that has not been corrected yet."
    )
    carried_over: bool = column("Based on an attempt made outside the session, without any inside it.")
    score: float = column(
        "The best score among finished attempts, with its fraction.",
        unit="percent",
        null="no score",
        ge=0,
        le=100,
    )
    progress: pl.Int32 = column(
        "100 when finished, else the greatest progress of an attempt, at most 99.",
        unit="percent",
        ge=0,
        le=100,
    )
    time_ms: pl.Int64 = column("The step's share of global_time_ms: R8.", unit="ms", ge=0)
    attempts_used: pl.Int32 = column(
        "Finished attempts inside the session, which count against attempts_limit.", unit="attempts", ge=0
    )
    due_at: Time = column("When the step is due.", null="no due date")
    overdue: bool = column("Whether the due date passed with the step not finished.")

    class Config(Table.Config):
        name = "step_stats"
        metadata = {"key": ["company_id", "session_id", "user_id", "enrollment_id", "position", "step_id"]}

    @pa.dataframe_check(name="finished_at_set_when_finished")
    def finished_when(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, pl.col("finished_at").is_not_null() == pl.col("finished"))

    @pa.dataframe_check(name="successful_at_set_when_successful")
    def successful_when(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, pl.col("successful_at").is_not_null() == pl.col("successful"))

    @pa.dataframe_check(name="finished_is_one_of_successful_exhausted_to_retake")
    def finished_parts(cls, data: pa.PolarsData) -> pl.LazyFrame:
        parts = pl.sum_horizontal(
            pl.col(name).cast(pl.Int8) for name in ("successful", "exhausted", "to_retake")
        )
        return check(data, parts == (pl.col("finished") | pl.col("exhausted")).cast(pl.Int8))

    @pa.dataframe_check(name="progress_100_means_finished")
    def full_progress(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, (pl.col("progress") == 100) == pl.col("finished"))


class Attempts(Table):
    """An attempt at a step, and why it counts for an enrollment or does not.

    Attempts that a row of step_stats fully describes are left out: attempts in the session that satisfy
    their step (attempts_used counts them, the first was completed at successful_at), and a carried-over
    attempt that satisfies its step and is the only attempt at it.
    """

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    user_id: str = column("The learner.")
    enrollment_id: str = column("The enrollment for which the attempt counts or does not.")
    step_id: str = column("The step.")
    started_at: Time = column("When the attempt began.")
    completed_at: Time = column("When it was completed, or corrected.", null="not completed")
    made_in_session_id: str = column("The session in which it was made.", null="outside any path session")
    progress: pl.Int32 = column("The attempt's progress.", unit="percent", ge=0, le=100)
    score: float = column("The score reached.", unit="percent", null="no score", ge=0, le=100)
    time_spent_ms: pl.Int64 = column(
        "The time spent.", unit="ms", null="made in the session, and none of its time counts yet (R8)", ge=0
    )
    account: str = column(
        f"Why it counts ({', '.join(COUNTED_ATTEMPTS)}) or does not: the first reason that applies, R2 to "
        "R5, R16, R17.",
        isin=ATTEMPT_ACCOUNTS,
    )
    missed_min_score: float = column(
        "The minimum score, if the attempt does not reach it: R5.", unit="percent", null="not missed"
    )
    missed_max_time_s: float = column(
        "The maximum time, if the attempt took longer: R5.", unit="s", null="not missed"
    )
    missed_min_time_s: float = column(
        "The minimum time, if the attempt took less: R5.", unit="s", null="not missed"
    )
    missed_pass: bool = column("Whether the attempt is an examination that the assessor did not pass: R5.")
    attempts_limit: pl.Int32 = column("How many attempts the step allows.", null="unlimited")

    class Config(Table.Config):
        name = "attempts"
        metadata = {
            "key": ["company_id", "session_id", "user_id", "enrollment_id", "step_id", "started_at"],
        }

    @pa.dataframe_check(name="only_an_attempt_that_fails_a_condition_has_a_missed_one")
    def missed_when_failed(cls, data: pa.PolarsData) -> pl.LazyFrame:
        missed = pl.any_horizontal(
            pl.col("missed_min_score", "missed_max_time_s", "missed_min_time_s").is_not_null(), "missed_pass"
        )
        return check(data, missed == (pl.col("account") == "fails_condition"))


class SessionSummary(Table):
    """A session in one row. The counts are of current enrollments: one per learner."""

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    path_id: str = column("The path that is run.")
    name: str = column("The session's name.", null="unnamed: shown by its session_id")
    session_not_opened: pl.Int32 = column("Learners with sessionNotOpened.", unit="enrollments", ge=0)
    successful: pl.Int32 = column("Learners with successful.", unit="enrollments", ge=0)
    unsuccessful: pl.Int32 = column("Learners with unsuccessful.", unit="enrollments", ge=0)
    awaiting_correction: pl.Int32 = column("Learners with awaitingCorrection.", unit="enrollments", ge=0)
    to_retake: pl.Int32 = column("Learners with toRetake.", unit="enrollments", ge=0)
    not_yet_started: pl.Int32 = column("Learners with notYetStarted.", unit="enrollments", ge=0)
    late: pl.Int32 = column("Learners with late.", unit="enrollments", ge=0)
    on_time: pl.Int32 = column("Learners with onTime.", unit="enrollments", ge=0)
    enrolled: pl.Int32 = column(
        "Learners enrolled: the sum of the eight preceding counts.", unit="enrollments", ge=0
    )
    archived: pl.Int32 = column(
        "Learners with an archived current enrollment; no other count includes them.",
        unit="enrollments",
        ge=0,
    )
    overdue: pl.Int32 = column(
        "Learners who are late: the count of is_late (R18), in any detailed status.",
        unit="enrollments",
        ge=0,
    )
    mean_progress: float = column(
        "Mean progress of the enrolled.", unit="percent", null="no learner is enrolled", ge=0, le=100
    )
    mean_score: float = column(
        "Mean score of the enrolled who have one.", unit="percent", null="no learner has one", ge=0, le=100
    )
    median_global_time_ms: float = column(
        "Median time spent of the enrolled.", unit="ms", null="no learner is enrolled", ge=0
    )

    class Config(Table.Config):
        name = "session_summary"
        metadata = {"key": ["company_id", "session_id"]}

    @pa.dataframe_check(name="sorted_by_key_without_duplicates")
    def sorted_by_key(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, strictly_ascending("company_id", "session_id"))

    @pa.dataframe_check(name="counts_add_up_to_enrolled")
    def counts_add_up(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return check(data, pl.sum_horizontal(SUMMARY_COUNTS.values()) == pl.col("enrolled"))


SUMMARY_COUNTS = dict(
    zip(
        DETAILED_STATUSES,
        (
            "session_not_opened",
            "successful",
            "unsuccessful",
            "awaiting_correction",
            "to_retake",
            "not_yet_started",
            "late",
            "on_time",
        ),
        strict=True,
    )
)


class Quarantine(Table):
    """A rejected row, or a pending row with a missing reference (the `unknown_…` reasons)."""

    table: str = column("The table that it was delivered for.")
    key: str = column("The values of the table's key, joined by `/`.", null="the key is missing")
    reason: str = column("The first reason that applies.", isin=(*REJECTION_REASONS, *PENDING_REASONS))
    detail: str = column("The column, the value, and the place of the row in its file.")
    first_seen_at: Time = column("The as_of of the first run that read this row.")
    run_id: str = column("The run that wrote this row of the quarantine.")
    row: str = column("The row itself, as JSON; for users only its key, to keep names and e-mails out.")

    class Config(Table.Config):
        name = "quarantine"
        metadata = {"key": ["table", "key", "reason", "detail"]}


class StatusChanges(Table):
    """The fields of path_session_stats that differ from the live release, one row per field."""

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    user_id: str = column("The learner.")
    enrollment_id: str = column("The enrollment.")
    field: str = column(
        "The field that changed. Changes of progress are listed only to or from 100; `appeared` and `gone` "
        "mean the enrollment itself.",
        isin=CHANGED_FIELDS,
    )
    old_value: str = column(
        "The value in the live release: a detailed status with its reason, times in ISO 8601.",
        null="no value, or no row",
    )
    new_value: str = column("The value in this release.", null="no value, or no row")
    from_as_of: Time = column("The as_of of the live release.")
    to_as_of: Time = column("The as_of of this release.")
    cause: str = column(
        "Why the value changed. If today's data gives another value for the earlier as_of: definition (the "
        "session, path or a step was edited), enrollment (an enrollment was edited, or the user was added or "
        "removed), correction of earlier data (activity was edited). Otherwise, by what happened between the "
        "two: enrollment (one began or ended), definition (a step's definition changed), activity (there was "
        "new activity), time.",
        isin=CHANGE_CAUSES,
    )

    class Config(Table.Config):
        name = "status_changes"
        metadata = {"key": ["company_id", "session_id", "user_id", "enrollment_id", "field"]}


class Parity(Table):
    """Our results compared with the platform's own, one row per field of an enrollment."""

    company_id: str = column("The company (tenant).")
    session_id: str = column("The path session.")
    user_id: str = column("The learner.")
    enrollment_id: str = column("The enrollment.")
    field: str = column(
        "The field compared; `enrollment` if only one of the two has the enrollment.", isin=COMPARED
    )
    ours: str = column("Our value: a detailed status with its reason, times in ISO 8601.", null="no value")
    theirs: str = column("The platform's value.", null="no value")
    same: bool = column("Whether both values are the same; times are compared to the millisecond.")
    difference: str = column(
        "Why the values differ: the first category that applies; `pathstats parity` explains it.",
        null="the values are the same",
        isin=PARITY_DIFFERENCES,
    )

    class Config(Table.Config):
        name = "parity"
        metadata = {"key": ["company_id", "session_id", "user_id", "enrollment_id", "field"]}

    @pa.dataframe_check(name="same_means_no_difference")
    def same_without_difference(cls, data: pa.PolarsData) -> pl.LazyFrame:
        is_same = pl.col("ours").eq_missing(pl.col("theirs"))
        return check(data, (pl.col("same") == is_same) & (pl.col("same") == pl.col("difference").is_null()))


OUTPUTS: tuple[type[Table], ...] = (
    PathSessionStats,
    StepStats,
    Attempts,
    SessionSummary,
    Users,
    PathSessions,
    Quarantine,
    StatusChanges,
)
# In a release only if its run read a platform's own results.
SOMETIMES: tuple[type[Table], ...] = (Parity,)

# The models as namespaces of column names, so that a typo fails: `Stats.progress` is "progress".
# mypy takes a field of a model for a value of its type.
Stats: Any = PathSessionStats
Steps: Any = StepStats
