"""What a night may lose before it is held back.

Raises everywhere: HeldBack, naming the table, the counts and what to do.
"""

from collections import Counter
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

    def is_passed_by(self, before: int, after: int) -> bool:
        """Whether so many rows have shrunk to so few that a night may not go on."""
        # The share as a quotient: of 50 rows a limit of 42 % lets 29 through, but 50 * (1 - 0.42) > 29.
        return self.shrink_share is not None and before > 0 and (before - after) / before > self.shrink_share


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
    if limits.is_passed_by(before, after):
        raise HeldBack(
            f"Table {table}: {after:,} rows where {holder} holds {before:,}, a loss of more than the "
            f"limit of {limits.shrink_share:.0%}. Mend the source, or accept it once with --accept-shrink."
        )


def hold_waiting(limits: Limits, before: int | None, after: int, reasons: Counter[str]) -> None:
    """Hold the night if too many enrolments have lost a partner: as good as lost, though they all came.

    before:  how many enrolments counted; null on the first night that brings some.
    after:   how many count now.
    reasons: how many wait, by reason.
    """
    if limits.shrink_share is None or not reasons:
        return
    if after == 0 if before is None else limits.is_passed_by(before, after):
        words = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        raise HeldBack(
            f"Table enrollments: {after:,} rows count, {before or 0:,} did before; the partners of the rest "
            f"have not arrived ({words}). Mend the source, or accept it once with --accept-shrink."
        )
