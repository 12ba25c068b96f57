"""Read a company's 360Learning platform as a source, through version 2 of its API.

An extraction first stores the platform's responses page by page (`flows.sources.page_store`), then builds
the input tables from them (`input_tables`). No page is requested twice: an extraction that was killed resumes
with the next page, and tables can be built again from stored pages without the platform (`landing:DIR`).
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

# Older extractions are not resumed: half of their data would be from another day.
_RESUMED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Learning360:
    """A source that reads the platform in the settings.

    transport: replaces the network in tests. run: runs a coroutine.
    """

    settings: Settings
    transport: httpx.AsyncBaseTransport | None = None
    run: Callable[[Coroutine[Any, Any, Landing]], Landing] = asyncio.run

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        """Read everything at first and once a week, else the changes since the extraction in the warehouse.

        Users, steps, waivers and child sessions are delivered in full by each run, and so are attempts,
        unless reading them by course takes fewer pages.
        """
        kept = landing.parent
        with _locked(kept):
            read = self.land(kept, as_of, state)
            yield from extracts(read, landing, read.folder / KNOWN)
            read.note(delivered_at=landings_of.now_iso())
            needed = {read.folder.name} | ({read.record.base} if read.record.base else set())
            landings_of.delete_beyond(kept, self.settings.keep_landings, needed)

    def land(self, kept: Path, as_of: datetime, state: WarehouseState) -> Landing:
        """Read all pages of the extraction into a landing in the folder `kept`."""
        return self.run(self._read(kept, run_id(as_of), state))

    async def _read(self, kept: Path, run: str, state: WarehouseState) -> Landing:
        async with connected(self.settings, self.transport) as platform:
            landing = await self._landing(platform, kept, run, state)
            await Extraction(platform, landing, self.settings, Known(landing)).read()
            landing.note(read_at=(await platform.now()).isoformat())
        return landing

    async def _landing(self, platform: Platform, kept: Path, run: str, state: WarehouseState) -> Landing:
        """The landing of a killed extraction to resume, or a new one."""
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
            if other.delivered_at is None and _is_resumable(other, record):
                landing = Landing.open(folder)
                landing.discard_incomplete()
                log.info("Resuming the extraction in %s.", folder)
                return landing
        previous = base or _last_delivered(self.settings, known)
        known_before = previous[0] / KNOWN if previous else None
        return Landing.begin(
            landings_of.free_name(kept, run), record, lambda folder: hand_on(known_before, folder)
        )


def _is_resumable(other: Record, record: Record) -> bool:
    """Whether an incomplete extraction reads the same as the one that is needed now, and is recent."""
    same = ("platform", "company_id", "skip", "base", "since", "ids")
    is_recent = record.data_as_of - other.data_as_of < _RESUMED_WITHIN
    return is_recent and all(getattr(other, name) == getattr(record, name) for name in same)


def _last_delivered(settings: Settings, known: list[tuple[Path, Record]]) -> tuple[Path, Record] | None:
    """The last delivered landing of the platform: its corrections also count in a full extraction."""
    delivered = [one for one in known if one[1].delivered_at and same_platform(settings, one[1])]
    return delivered[0] if delivered else None


@contextmanager
def _locked(kept: Path) -> Iterator[None]:
    """Lock the folder of landings against other extractions."""
    lock = FileLock(kept / "landing.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise HomeBusy(f"Another extraction is running in {kept}; wait for it to end.") from error
    try:
        yield
    finally:
        lock.release()
