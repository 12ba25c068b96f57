"""Quality thresholds: how much loss blocks a run.

Every function raises RunBlocked, naming the table, the counts and what to do.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flows.database.connection import Connection
from flows.staging.load import Counts, loaded
from flows.warehouse import step_history
from schemas.errors import RunBlocked
from schemas.inputs import model_of


@dataclass(frozen=True)
class Thresholds:
    """Quality thresholds of a run.

    rejected_share:  of a table's rows that were read.
    shrink_share:   of a table's rows that the last full extraction had, and of the share of activity that
                    matches; None accepts any loss.
    vanished_share: of the completion dates of the live release, once at least ten vanish; None accepts any.
    matched_share:  below this share of matched activity a run warns.
    allow_missing_columns: whether a column that rules read and earlier deliveries had may be missing.
    strict:         whether a plausibility warning blocks the run.
    """

    rejected_share: float = 0.05
    shrink_share: float | None = 0.2
    vanished_share: float | None = 0.05
    matched_share: float = 0.5
    allow_missing_columns: bool = False
    strict: bool = False

    def is_passed_by(self, before: int, after: int) -> bool:
        """Whether so many rows have shrunk to so few that a run may not go on."""
        # The share as a quotient: of 50 rows a limit of 42 % lets 29 through, but 50 * (1 - 0.42) > 29.
        return self.shrink_share is not None and before > 0 and (before - after) / before > self.shrink_share


DEFAULT_THRESHOLDS = Thresholds()
NO_THRESHOLDS = Thresholds(
    rejected_share=1.0,
    shrink_share=None,
    vanished_share=None,
    allow_missing_columns=True,
)
# Fewer completion dates than these never block a run: in a small company each is a large share.
_FEWEST_VANISHED = 10


def block_rejections(table: str, counts: Counts, limits: Thresholds) -> None:
    """Block the run if too many of a table's rows were rejected."""
    if counts.rejected_share > limits.rejected_share:
        raise RunBlocked(
            f"Table {table}: {counts.rejected:,} of {counts.read:,} rows rejected, more than "
            f"the limit of {limits.rejected_share:.0%} ({'; '.join(counts.examples)}). "
            "Correct the source, or raise --max-rejected."
        )


def block_shrinking(
    connection: Connection, table: str, limits: Thresholds, published: dict[str, int], *, is_stored: bool
) -> None:
    """Block the run if a full table has lost too many of the stored rows.

    published: as of `accept`. is_stored: whether the warehouse has the table.
    """
    model = model_of(table)
    if limits.shrink_share is None:
        return
    if is_stored:
        current = "valid_to IS NULL OR NOT dated_here" if model in step_history.DATED else "true"
        before, holder = (
            int(connection.value(f"SELECT count(*) FROM {table} WHERE {current}")),
            "the warehouse",
        )
    elif model not in step_history.DATED:  # Versions that a lost warehouse dated are lost with it.
        before, holder = published.get(table, 0), "the last release"
    else:
        return
    after = int(connection.value(f"SELECT count(*) FROM {loaded(model, is_full=True)}"))
    if limits.is_passed_by(before, after):
        raise RunBlocked(
            f"Table {table}: {after:,} rows where {holder} has {before:,}, a loss of more than the "
            f"limit of {limits.shrink_share:.0%}. Correct the source, or accept it once with --allow-shrink."
        )


def block_implausible(warnings: Iterable[str], limits: Thresholds) -> None:
    """Block the run if it is strict and a table is not plausible."""
    found = list(warnings)
    if limits.strict and found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise RunBlocked(
            f"Not plausible: {' '.join(found[:3])}{more} Correct the source, or publish without --strict."
        )


def block_pending(
    limits: Thresholds, before: int | None, after: int, reasons: Counter[str], hints: Iterable[str] = ()
) -> None:
    """Block the run if too many enrollments have a missing reference: they do not count.

    before:  how many enrollments counted; null on the first run that brings some.
    after:   how many count now.
    reasons: how many wait, by reason.
    hints:   near matches of ids, to quote.
    """
    if limits.shrink_share is None or not reasons:
        return
    if after == 0 if before is None else limits.is_passed_by(before, after):
        words = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
        raise RunBlocked(
            f"Table enrollments: {after:,} rows count, {before or 0:,} did before; the rest have missing "
            f"references ({words}). {''.join(f'{hint} ' for hint in hints)}"
            "Correct the source, or accept the loss once with --allow-shrink."
        )


def block_vanished(
    vanished: Mapping[str, int], redefined: Mapping[str, int], live: Mapping[str, int], limits: Thresholds
) -> None:
    """Block the run if too many completion dates of the live release would vanish, of a company or of all.

    vanished, live: completion dates by company.
    redefined:      how many of the vanished ones are due to edited sessions, paths or steps alone.
    """
    if limits.vanished_share is None:
        return
    of_all = [("", vanished.values(), redefined.values(), live.values())] if len(live) > 1 else []
    each = [
        (f" of company {company}", [lost], [redefined.get(company, 0)], [live[company]])
        for company, lost in sorted(vanished.items())
    ]
    for words, *counts in (*each, *of_all):
        lost, by_definition, dates = map(sum, counts)
        if lost >= _FEWEST_VANISHED and lost / dates > limits.vanished_share:
            edited = "sessions, paths or steps were edited"
            why = f" ({by_definition:,} of them because {edited})" if by_definition else ""
            raise RunBlocked(
                f"{lost:,} of {dates:,} completion dates{words} in the live release would vanish{why}, "
                f"more than the limit of {limits.vanished_share:.0%}. Compare the delivery with the one "
                "before (a missing column, other ids, missing rows, edited steps), or publish once with "
                "--allow-vanished."
            )
