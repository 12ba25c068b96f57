"""A landing that was read, as what a night loads; also without the platform, as often as wanted."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.sources.base import Extract, Held
from flows.sources.landing import Landing
from flows.sources.learning360.tables import make_tables
from schemas.errors import SourceError

log = logging.getLogger("pathstats.night")

# More would be no sentence.
_NAMED = 12


def extracts(landing: Landing, folder: Path, known_to: Path) -> Iterator[Extract]:
    """The tables of a landing, written into the folder; what is strange in it is told in one warning."""
    tables = make_tables(landing, folder, known_to)
    strange = landing.strange() + Counter(tables.left_out)
    if strange:
        log.warning("%s", _told(strange, landing.folder))
    for table, file in tables.files.items():
        yield Extract(table, file, landing.record.data_as_of, is_full=table in tables.full)


def _told(strange: Counter[str], folder: Path) -> str:
    """One sentence: what was not understood, how often, and where it is."""
    named = ", ".join(f"{name} ({count:,})" for name, count in strange.most_common(_NAMED))
    more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
    return (
        f"360Learning answers what this version does not know or can't use; it has no effect: {named}{more}. "
        f"It is kept in {folder}."
    )


@dataclass(frozen=True)
class Replay:
    """A landing of an earlier night: `landing:DIR`. The platform is not asked."""

    folder: Path

    def extract(self, landing: Path, as_of: datetime, held: Held) -> Iterator[Extract]:
        """The tables as they were made of it then; of a landing of changes, changes."""
        replayed = Landing.open(self.folder)
        if replayed.record.read_at is None or not replayed.is_whole():
            raise SourceError(
                f"{self.folder}: this landing is not complete; `--source 360learning` goes on with it."
            )
        if not replayed.record.is_full and not held.full_at:
            raise SourceError(
                f"{self.folder}: this landing holds changes since {replayed.record.base}; "
                "replay that one first."
            )
        known = landing / "known"
        yield from extracts(replayed, landing, known)
