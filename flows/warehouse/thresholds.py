"""Quality thresholds: how much loss blocks a run.

Every function raises RunBlocked, naming the table, the counts and what to do.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from flows.database.connection import Connection
from flows.run_config import Thresholds
from flows.staging.load import Counts, staging_table
from flows.warehouse import step_history
from schemas.errors import RunBlocked
from schemas.inputs import model_of

# Independent of the environment.
NO_THRESHOLDS = Thresholds.model_construct(
    max_rejected=1.0, allow_shrink=True, allow_vanished=True, allow_missing_columns=True
)
# Fewer completion dates than these never block a run: in a small company each is a large share.
_FEWEST_VANISHED = 10


def block_rejections(table: str, counts: Counts, limits: Thresholds) -> None:
    """Block the run if too many of a table's rows were rejected."""
    if counts.rejected_share > limits.max_rejected:
        raise RunBlocked(
            f"Table {table}: {counts.rejected:,} of {counts.read:,} rows rejected, more than "
            f"the limit of {limits.max_rejected:.0%} ({'; '.join(counts.examples)}). "
            "Correct the source, or raise --max-rejected."
        )


def block_shrinking(
    connection: Connection, table: str, limits: Thresholds, published: dict[str, int], *, is_stored: bool
) -> None:
    """Block the run if a full table has lost too many of the stored rows.

    published: as of `accept`. is_stored: whether the warehouse has the table.
    """
    model = model_of(table)
    if limits.allow_shrink:
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
    after = int(connection.value(f"SELECT count(*) FROM {staging_table(model, is_full=True)}"))
    if limits.has_shrunk(before, after):
        raise RunBlocked(
            f"Table {table}: {after:,} rows where {holder} has {before:,}, a loss of more than the "
            f"limit of {limits.max_shrink:.0%}. Correct the source, or accept it once with --allow-shrink."
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
    if limits.allow_shrink or not reasons:
        return
    if after == 0 if before is None else limits.has_shrunk(before, after):
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
    if limits.allow_vanished:
        return
    of_all = [("", vanished.values(), redefined.values(), live.values())] if len(live) > 1 else []
    each = [
        (f" of company {company}", [lost], [redefined.get(company, 0)], [live[company]])
        for company, lost in sorted(vanished.items())
    ]
    for words, *counts in (*each, *of_all):
        lost, by_definition, dates = map(sum, counts)
        if lost >= _FEWEST_VANISHED and lost / dates > limits.max_vanished:
            edited = "sessions, paths or steps were edited"
            why = f" ({by_definition:,} of them because {edited})" if by_definition else ""
            raise RunBlocked(
                f"{lost:,} of {dates:,} completion dates{words} in the live release would vanish{why}, "
                f"more than the limit of {limits.max_vanished:.0%}. Compare the delivery with the one "
                "before (a missing column, other ids, missing rows, edited steps), or publish once with "
                "--allow-vanished."
            )
