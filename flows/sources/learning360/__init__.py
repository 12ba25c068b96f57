"""A company's 360Learning platform as a source, read through version 2 of its API.

An extraction first stores the platform's answers page by page (`flows.sources.page_store`), then makes the
input tables from them (`input_tables`). Nothing is asked twice: an extraction that was killed goes
on with the next page, and its stored pages can be made into tables again without the platform
(`landing:DIR`).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock, Timeout

from flows.sources import page_store as landings_of
from flows.sources.base import DataWarning, Extract, WarehouseState
from flows.sources.learning360.client import Platform, connected
from flows.sources.learning360.extraction import Extraction
from flows.sources.learning360.replay import extracts
from flows.sources.learning360.settings import Settings
from flows.sources.learning360.sync_plan import base_of, same_platform, since
from flows.sources.learning360.sync_state import KNOWN, Known, hand_on
from flows.sources.page_store import Landing, Record
from schemas.errors import HomeBusy
from schemas.manifest import run_id

log = logging.getLogger("pathstats.run")

# What was begun longer ago is not gone on with: half of it would be of another day.
_RESUMED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Learning360:
    """The platform of the settings.

    transport: in place of the network. run: how asynchronous work is run.
    """

    settings: Settings
    transport: httpx.AsyncBaseTransport | None = None
    run: Callable[[Coroutine[Any, Any, Landing]], Landing] = asyncio.run

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        """Everything at first and each week, else what changed since the extraction that the warehouse holds.

        Users, steps, waivers and child sessions come whole each run, and so do attempts unless reading them
        by course is fewer pages.
        """
        kept = landing.parent
        with _alone(kept):
            read = self.land(kept, as_of, state)
            yield from extracts(read, landing, read.folder / KNOWN)
            read.note(delivered_at=landings_of.now_iso())
            needed = {read.folder.name} | ({read.record.base} if read.record.base else set())
            landings_of.delete_beyond(kept, self.settings.keep_landings, needed)

    def land(self, kept: Path, as_of: datetime, state: WarehouseState) -> Landing:
        """Read all that the extraction needs, into a landing among those that are kept."""
        return self.run(self._read(kept, run_id(as_of), state))

    async def _read(self, kept: Path, run: str, state: WarehouseState) -> Landing:
        async with connected(self.settings, self.transport) as platform:
            landing = await self._landing(platform, kept, run, state)
            await Extraction(platform, landing, self.settings, Known(landing)).read()
            landing.note(read_at=(await platform.now()).isoformat())
        return landing

    async def _landing(self, platform: Platform, kept: Path, run: str, state: WarehouseState) -> Landing:
        """The landing of an extraction that was killed, to go on with, or a new one."""
        now = await platform.now()
        known = landings_of.landings(kept)
        base = base_of(self.settings, known, state, now)
        record = Record(
            platform=self.settings.base_url,
            company_id=self.settings.company_id,
            begun_at=now.isoformat(),
            full_at=base[1].full_at if base else now.isoformat(),
            skip=tuple(sorted(self.settings.skip)),
            base=base[0].name if base else None,
            since=since(base[1], self.settings.overlap_minutes) if base else None,
            ids=landings_of.IDS,
        )
        for folder, other in known:
            if other.delivered_at is None and _goes_on(other, record):
                landing = Landing.open(folder)
                landing.discard_incomplete()
                log.info("Going on with the extraction in %s.", folder)
                return landing
        before = base or _last_delivered(self.settings, known)
        known_before = before[0] / KNOWN if before else None
        return Landing.begin(
            landings_of.free_name(kept, run), record, lambda folder: hand_on(known_before, folder)
        )


def _goes_on(other: Record, record: Record) -> bool:
    """Whether an extraction that was begun is of the same as the one that is wanted now."""
    same = ("platform", "company_id", "skip", "base", "since", "ids")
    is_recent = record.data_as_of - other.data_as_of < _RESUMED_WITHIN
    return is_recent and all(getattr(other, name) == getattr(record, name) for name in same)


def _last_delivered(settings: Settings, known: list[tuple[Path, Record]]) -> tuple[Path, Record] | None:
    """Whose corrections are still good when everything is read anew."""
    delivered = [one for one in known if one[1].delivered_at and same_platform(settings, one[1])]
    return delivered[0] if delivered else None


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Nobody else writes landings there."""
    lock = FileLock(kept / "landing.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise HomeBusy(f"Another extraction is running in {kept}; wait for it to end.") from error
    try:
        yield
    finally:
        lock.release()
