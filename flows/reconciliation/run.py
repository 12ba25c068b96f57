"""Run stage: compare a release with the platform's own statistics."""

from datetime import datetime
from pathlib import Path

from flows.database.connection import Connection
from flows.reconciliation.field_diff import Counting, compared
from flows.reconciliation.joined_results import PlatformResults, evidence
from flows.reconciliation.platform_results import asked_at, platform_answers
from flows.release.parquet_writer import TableWriter
from flows.sources.learning360.resources import STATS
from flows.sources.page_store import Landing, landings
from schemas.home import Home, Release
from schemas.manifest import Agreement
from schemas.outputs import Parity


def landing_of(source: str | None, home: Home) -> Path | None:
    """The landing that a run from this source has just read; None if the source is not a platform."""
    kind, _, options = (source or "").partition(":")
    if kind == "landing":
        return Path(options).expanduser()
    if kind == "360learning":
        delivered = [folder for folder, record in landings(home.landing) if record.delivered_at]
        return delivered[0] if delivered else None
    return None


def reconcile(connection: Connection, building: Release, folder: Path, as_of: datetime) -> Agreement | None:
    """Write the table parity into the release that is being built; None if its landing has no statistics."""
    landing = Landing.open(folder)
    if not any(name.partition("/")[0] == STATS.name for name in landing.names()):
        return None
    theirs = platform_answers(landing)
    record = landing.record
    platform = PlatformResults(record.company_id, theirs, as_of, asked_at(landing), not record.is_full)
    counting = Counting()
    with TableWriter(building, Parity) as table:
        for rows in compared(evidence(connection, building, platform)):
            counting.add(rows)
            table.write(rows)
    return counting.agreement()


def parity_warnings(agreement: Agreement, least: float) -> list[str]:
    """Warnings about low agreement with the platform's own results.

    least: the required share of values that are the same or differ for a known reason (--min-agreement). An
    enrollment on one side only is a disagreement even if the reason is known, since nothing was compared.
    """
    both = agreement.share_on_both_sides
    if not agreement.compared:
        return [
            f"No enrollment could be compared with the platform's own results: {agreement.on_one_side:,} are "
            "on one side only. The agreement is n/a. Check company_id and the platform's list of statistics."
        ]
    found = []
    low = [
        f"{field} ({share:.1%})"
        for field in agreement.same
        if (share := agreement.accounted_for(field)) is not None and share < least
    ]
    if low:
        found.append(
            f"The platform's own results differ from ours for no known reason. Agreement: {', '.join(low)}; "
            f"at least {least:.1%} is required. `pathstats parity` shows examples."
        )
    if both is not None and both < least:
        found.append(
            f"{agreement.on_one_side:,} enrollments are known only to us or only to the platform: {both:.1%} "
            f"were compared, and at least {least:.1%} is required. `pathstats parity` shows examples."
        )
    return found
