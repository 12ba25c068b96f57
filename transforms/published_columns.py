"""Every published column in order, each with the rule that computes it."""

from dataclasses import dataclass

import polars as pl

from transforms import detailed_status, lateness, learner_stats, nested_paths, valid_until
from transforms.attempt_accounts import attempt_accounts, to_account_for
from transforms.attempts import attempts, seen, time_off_path, with_time_on_waived_steps
from transforms.enrollment_steps import cells, laid_out, with_first_cell
from transforms.evaluation_time import evaluated_enrollments
from transforms.response_body import body
from transforms.rule_inputs import JOINS_AS_WRITTEN, KEYS, Evaluation, RuleInputs
from transforms.step_outcomes import step_outcomes

PATH_SESSION_STATS: tuple[pl.Expr, ...] = (
    pl.col("company_id"),
    pl.col("session_id"),
    pl.col("user_id"),
    pl.col("enrollment_id"),
    learner_stats.is_current().alias("is_current"),  # R15
    learner_stats.progress().alias("progress"),  # R7
    learner_stats.global_time_ms().alias("global_time_ms"),  # R8
    learner_stats.score().alias("score"),  # R9
    learner_stats.status().alias("status"),  # R10
    detailed_status.completed_at().alias("completed_at"),  # R13
    pl.col("detailed_status_type"),  # R11
    detailed_status.detailed_status_reason().alias("detailed_status_reason"),  # R11
    learner_stats.result().alias("result"),  # R12
    pl.col("archived_at"),  # R1, R14
    pl.col("enrolled_at"),
    pl.col("started_at"),  # R6
    pl.col("next_due_at"),
    pl.col("overdue_steps"),
    pl.col("required_steps"),
    pl.col("required_steps_finished"),
    pl.col("decided_by_step_id"),  # R11
    pl.col("deciding_rule").cast(pl.String),  # R11
    learner_stats.all_required_finished_at().alias("all_required_finished_at"),
    pl.col("is_late"),  # R18
    lateness.late_since().alias("late_since"),  # R18
    valid_until.next_certain_change().alias("valid_until"),
)

# Computed by `step_outcomes`, each by a function of its name: R5, and R8 for the time.
STEP_STATS: tuple[str, ...] = (
    "company_id",
    "session_id",
    "user_id",
    "enrollment_id",
    "step_id",
    "position",
    "optional",
    "finished",
    "finished_at",
    "successful",
    "successful_at",
    "exhausted",
    "to_retake",
    "replay_pending",
    "awaiting_correction",
    "carried_over",
    "score",
    "progress",
    "time_ms",
    "attempts_used",
    "due_at",
    "overdue",
)


def evaluation(inputs: RuleInputs, *, accounts: bool = False) -> Evaluation:
    """All rules over all enrollments that take part: `PATH_SESSION_STATS` and `STEP_STATS`.

    accounts: whether `ATTEMPTS` are wanted, too.
    """
    enrollments = evaluated_enrollments(inputs)
    if inputs.below.sessions.is_empty() or enrollments.is_empty():
        return rules_over(inputs, enrollments, accounts=accounts)
    found: list[Evaluation] = []
    # What a path is to say of its sub-paths is known by then: R17, bottom-up.
    for of_level in nested_paths.by_level(enrollments, inputs.path_versions.levels):
        children = pl.concat(nested_paths.children(below.stats) for below in found) if found else None
        found.append(rules_over(inputs, of_level, children, nested_paths.FACTS, accounts=accounts))
    return nested_paths.of_those_asked(found)


def rules_over(
    inputs: RuleInputs,
    enrollments: pl.DataFrame,
    children: pl.DataFrame | None = None,
    facts: tuple[str, ...] = (),
    *,
    accounts: bool = False,
) -> Evaluation:
    """All rules over some enrollments, numbered from 0.

    children: what the enrollments say that these look into (R17). facts: further columns for stats.
    accounts: whether the attempts are wanted, too.
    """
    steps, waivers = inputs.path_versions.steps, inputs.path_versions.waivers
    enrollments = with_first_cell(enrollments, steps)
    decided = pl.DataFrame() if children is None else nested_paths.decided_cells(enrollments, steps, children)
    looked_at, lazy = seen(inputs, enrollments.lazy()), enrollments.lazy()
    is_all = waivers.height + decided.height > 0
    wanted = [attempts(looked_at)]
    wanted += [to_account_for(looked_at, inputs, lazy, is_all=is_all)] if accounts else []
    known, *found = pl.collect_all(wanted, optimizations=JOINS_AS_WRITTEN)
    grid = cells(enrollments.lazy(), steps).collect(engine="in-memory", optimizations=JOINS_AS_WRITTEN)
    outcomes = step_outcomes(grid, known.lazy(), decided, waivers).collect(optimizations=JOINS_AS_WRITTEN)
    off_path = time_off_path(known.lazy()).collect()
    accounted = [attempt_accounts(rows, inputs, enrollments, outcomes, decided) for rows in found]
    if waivers.height:
        off_path = with_time_on_waived_steps(off_path, outcomes)
        outcomes = outcomes.filter(pl.col("waived_time_ms").is_null())
    stats = (
        learner_facts(enrollments, outcomes, off_path)
        .lazy()
        .join(
            steps.lazy().select("curriculum_key", "ordinal", decided_by_step_id="step_id"),
            on=["curriculum_key", "ordinal"],
            how="left",
            maintain_order="left",
        )
        .select(*KEYS, *PATH_SESSION_STATS, *facts)
        .collect(engine="in-memory", optimizations=JOINS_AS_WRITTEN)
    )
    return Evaluation(stats, outcomes.select("enrollment", *STEP_STATS), *accounted)


def learner_facts(enrollments: pl.DataFrame, outcomes: pl.DataFrame, off_path: pl.DataFrame) -> pl.DataFrame:
    """The columns that PATH_SESSION_STATS reads, one row per enrollment, in publication order."""
    of_steps = learner_stats.summed_steps(outcomes.lazy()).collect()
    return (
        pl.concat(
            [
                enrollments,
                *(
                    laid_out(rows.rename({"enrollment": "cell"}), enrollments.height)
                    for rows in (of_steps, off_path)
                ),
            ],
            how="horizontal",
        )
        .with_columns(learner_stats.nothing_where_no_step_counts())
        .with_columns(deciding_rule=detailed_status.deciding_rule())
        .with_columns(
            ordinal=detailed_status.deciding_ordinal(),
            detailed_status_type=detailed_status.detailed_status_type(),
        )
        .with_columns(is_late=lateness.is_late())
    )


@dataclass(frozen=True)
class Statistics:
    """The published tables that the rules compute, for some learners.

    responses: session_key, user_key and body, the endpoint's JSON, of each current enrollment (R15).
    """

    path_session_stats: pl.DataFrame
    step_stats: pl.DataFrame
    attempts: pl.DataFrame
    responses: pl.DataFrame


def statistics(inputs: RuleInputs) -> Statistics:
    """All rules over the whole inputs."""
    found = evaluation(inputs, accounts=True)
    stats = valid_until.with_valid_until(found, inputs, evaluation)
    return Statistics(
        stats.drop(KEYS),
        found.steps.drop("enrollment"),
        found.attempts.drop("enrollment"),
        stats.lazy().filter("is_current").select("session_key", "user_key", body=body()).collect(),
    )
