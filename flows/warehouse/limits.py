"""What a night may lose before it is held back.

Raises everywhere: HeldBack, naming the table, the counts and what to do.
"""

from dataclasses import dataclass

from flows.warehouse import step_history
from flows.warehouse.duck import Duck
from flows.warehouse.loading import Counts, loaded
from schemas.errors import HeldBack
from schemas.inputs import model_of


@dataclass(frozen=True)
class Limits:
    """What a night may lose before it is held back.

    refused_share: of a table's rows that were read.
    shrink_share:  of a table's rows that the last full extraction had; None accepts any loss.
    """

    refused_share: float = 0.05
    shrink_share: float | None = 0.2


DEFAULT_LIMITS = Limits()
NO_LIMITS = Limits(refused_share=1.0, shrink_share=None)


def hold_refusals(table: str, counts: Counts, limits: Limits) -> None:
    """Hold the night if too many of a table's rows were refused."""
    if counts.refused_share > limits.refused_share:
        raise HeldBack(
            f"Table {table}: {counts.refused:,} of {counts.read:,} rows refused, more than "
            f"the limit of {limits.refused_share:.0%} ({'; '.join(counts.examples)}). "
            "Mend the source, or raise --max-refused."
        )


def hold_shrinking(
    duck: Duck, table: str, limits: Limits, published: dict[str, int], *, is_stored: bool
) -> None:
    """Hold the night if a table that comes whole has lost too many of the rows that are held.

    published: as of `accept`. is_stored: whether the warehouse has the table.
    """
    model = model_of(table)
    if limits.shrink_share is None:
        return
    if is_stored:
        held = "valid_to IS NULL OR NOT dated_here" if model in step_history.DATED else "true"
        before, holder = int(duck.value(f"SELECT count(*) FROM {table} WHERE {held}")), "the warehouse"
    elif model not in step_history.DATED:  # Versions that a lost warehouse dated are lost with it.
        before, holder = published.get(table, 0), "the last release"
    else:
        return
    after = int(duck.value(f"SELECT count(*) FROM {loaded(model, is_full=True)}"))
    # The share as a quotient: 29 of 50 rows are what a limit of 42 % lets through, but 50 * (1 - 0.42) > 29.
    if before and (before - after) / before > limits.shrink_share:
        raise HeldBack(
            f"Table {table}: {after:,} rows where {holder} holds {before:,}, a loss of more than the "
            f"limit of {limits.shrink_share:.0%}. Mend the source, or accept it once with --accept-shrink."
        )


def counting_enrollments(duck: Duck) -> int:
    """How many enrolments there are whose partners have arrived."""
    waiting = "quarantine WHERE \"table\" = 'enrollments' AND reason LIKE 'unknown%'"
    return int(duck.value(f"SELECT (SELECT count(*) FROM enrollments) - (SELECT count(*) FROM {waiting})"))


def hold_waiting(duck: Duck, limits: Limits, before: int | None) -> None:
    """Hold the night if too many enrolments have lost a partner: as good as lost, though they all came.

    before: how many enrolments counted; null on the first night that brings some.
    """
    if limits.shrink_share is None:
        return
    after = counting_enrollments(duck)
    reasons = duck.rows(
        "SELECT reason, count(*) FROM quarantine WHERE \"table\" = 'enrollments' "
        "AND reason LIKE 'unknown%' GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    is_lost = after == 0 if before is None else before and (before - after) / before > limits.shrink_share
    if reasons and is_lost:
        words = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
        raise HeldBack(
            f"Table enrollments: {after:,} rows count, {before or 0:,} did before; the partners of the rest "
            f"have not arrived ({words}). Mend the source, or accept it once with --accept-shrink."
        )
