"""The phase of a night that holds its release against what the platform says itself."""

import logging
from datetime import datetime
from pathlib import Path

from flows.parity.comparing import Counting, compared
from flows.parity.evidence import Asked, evidence
from flows.parity.platform_answers import asked_at, platform_answers
from flows.publishing.tables import TableWriter
from flows.sources.landing import Landing, landings
from flows.warehouse.duck import Duck
from schemas.home import Home, Release
from schemas.manifest import Agreement
from schemas.outputs import Parity

log = logging.getLogger("pathstats.night.parity")


def landing_of(source: str | None, home: Home) -> Path | None:
    """The landing that a night from this source has just read; None if its source is no platform."""
    kind, _, options = (source or "").partition(":")
    if kind == "landing":
        return Path(options).expanduser()
    if kind == "360learning":
        delivered = [folder for folder, record in landings(home.landing) if record.delivered_at]
        return delivered[0] if delivered else None
    return None


def hold_against_the_platform(
    duck: Duck, building: Release, folder: Path, as_of: datetime, least_agreement: float
) -> Agreement | None:
    """Write parity into the release that is being built; None if the platform was not asked."""
    landing = Landing.open(folder)
    theirs = platform_answers(landing)
    if theirs.is_empty():
        return None
    record = landing.record
    asked = Asked(record.company_id, theirs, as_of, asked_at(landing), not record.is_full)
    counting = Counting()
    with TableWriter(building, Parity) as table:
        for rows in compared(evidence(duck, building, asked)):
            counting.add(rows)
            table.write(rows)
    agreement = counting.agreement()
    _warn(agreement, least_agreement)
    return agreement


def _warn(agreement: Agreement, least: float) -> None:
    low = [
        f"{field} ({agreement.accounted_for(field):.1%})"
        for field in agreement.same
        if agreement.accounted_for(field) < least
    ]
    if low:
        log.warning(
            "The platform's own answers differ from ours in %s without a known reason, below the %.1f%% that "
            "are to be the same or accounted for; `pathstats parity` shows examples.",
            ", ".join(low),
            100 * least,
        )
