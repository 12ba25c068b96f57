"""Evaluate all rules for one part: from rule inputs to the published tables."""

from dataclasses import dataclass

import polars as pl

from transforms import detailed_status, lateness, learner_stats, nested_paths, valid_until
from transforms.attempt_accounts import accountable, attempt_accounts
from transforms.attempts import attempts, candidates, time_off_path, with_time_on_waived_steps
from transforms.enrollment_steps import enrollment_steps, one_row_each, with_first_enrollment_step
from transforms.evaluation_time import evaluated_enrollments
from transforms.published_columns import PATH_SESSION_STATS, STEP_STATS
from transforms.response_body import body
from transforms.rule_inputs import JOINS_AS_WRITTEN, KEYS, Evaluation, RuleInputs
from transforms.step_outcomes import step_outcomes


def evaluation(inputs: RuleInputs, *, accounts: bool = False) -> Evaluation:
    """All rules for all enrollments that take part: PATH_SESSION_STATS and STEP_STATS.

    accounts: compute ATTEMPTS, too.
    """
    enrollments = evaluated_enrollments(inputs)
    if inputs.children.sessions.is_empty() or enrollments.is_empty():
        return one_level(inputs, enrollments, accounts=accounts)
    found: list[Evaluation] = []
    # R17, bottom-up: the outcomes of child enrollments are known before their parents are evaluated.
    for of_level in nested_paths.by_level(enrollments, inputs.path_versions.levels):
        children = pl.concat(nested_paths.children(level.stats) for level in found) if found else None
        found.append(one_level(inputs, of_level, children, nested_paths.FACTS, accounts=accounts))
    return nested_paths.requested_only(found)


def one_level(
    inputs: RuleInputs,
    enrollments: pl.DataFrame,
    children: pl.DataFrame | None = None,
    facts: tuple[str, ...] = (),
    *,
    accounts: bool = False,
) -> Evaluation:
    """All rules for enrollments that don't depend on each other, numbered from 0.

    children: the outcomes of their child enrollments (R17). facts: further columns for stats.
    accounts: compute the attempts, too.
    """
    steps, waivers = inputs.path_versions.steps, inputs.path_versions.waivers
    enrollments = with_first_enrollment_step(enrollments, steps)
    decided = (
        pl.DataFrame()
        if children is None
        else nested_paths.steps_decided_by_children(enrollments, steps, children)
    )
    of_learners = candidates(inputs, enrollments.lazy())
    wanted = [attempts(of_learners)]
    if accounts:
        is_all = waivers.height + decided.height > 0
        wanted.append(accountable(of_learners, inputs, enrollments.lazy(), is_all=is_all))
    relevant, *found = pl.collect_all(wanted, optimizations=JOINS_AS_WRITTEN)
    of_enrollments = enrollment_steps(enrollments.lazy(), steps).collect(
        engine="in-memory", optimizations=JOINS_AS_WRITTEN
    )
    outcomes = step_outcomes(of_enrollments, relevant.lazy(), decided, waivers).collect(
        optimizations=JOINS_AS_WRITTEN
    )
    off_path = time_off_path(relevant.lazy()).collect()
    accounted = [attempt_accounts(rows, inputs, enrollments, outcomes, decided) for rows in found]
    if waivers.height:
        off_path = with_time_on_waived_steps(off_path, outcomes)
        outcomes = outcomes.filter(pl.col("waived_time_ms").is_null())
    stats = (
        learner_facts(enrollments, outcomes, off_path)
        .lazy()
        .join(
            steps.lazy().select("path_version_key", "ordinal", decided_by_step_id="step_id"),
            on=["path_version_key", "ordinal"],
            how="left",
            maintain_order="left",
        )
        .pipe(learner_stats.with_is_current)
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
                *(one_row_each(rows, enrollments.height, "enrollment") for rows in (of_steps, off_path)),
            ],
            how="horizontal",
        )
        .with_columns(learner_stats.zero_without_counted_steps())
        .with_columns(deciding_rule=detailed_status.deciding_rule())
        .with_columns(
            ordinal=detailed_status.deciding_ordinal(),
            detailed_status_type=detailed_status.detailed_status_type(),
        )
        .with_columns(is_late=lateness.is_late())
    )


@dataclass(frozen=True)
class Statistics:
    """The published tables that the rules compute, for the enrollments of one part.

    responses: session_key, user_key and body, the endpoint's JSON, of each current enrollment (R15).
    """

    path_session_stats: pl.DataFrame
    step_stats: pl.DataFrame
    attempts: pl.DataFrame
    responses: pl.DataFrame


def statistics(inputs: RuleInputs) -> Statistics:
    """All rules for the whole inputs."""
    found = evaluation(inputs, accounts=True)
    stats = valid_until.with_valid_until(found, inputs, evaluation)
    return Statistics(
        stats.drop(KEYS),
        found.steps.drop("enrollment"),
        found.attempts.drop("enrollment"),
        stats.lazy().filter("is_current").select("session_key", "user_key", body=body()).collect(),
    )
