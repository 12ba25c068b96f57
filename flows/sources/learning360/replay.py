"""Deliver the input tables of an earlier extraction from its stored pages, without the platform."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.sources.base import DataWarning, Extract, WarehouseState
from flows.sources.learning360.input_tables import make_tables
from flows.sources.page_store import Landing
from schemas.errors import SourceError


def extracts(landing: Landing, folder: Path, known_to: Path) -> Iterator[Extract | DataWarning]:
    """The tables of a landing, written into the folder, and the warnings about it."""
    tables = make_tables(landing, folder, known_to)
    yield from (DataWarning(None, text) for text in tables.warnings)
    for table, file in tables.files.items():
        yield Extract(table, file, landing.record.data_as_of, is_full=table in tables.full)


@dataclass(frozen=True)
class Replay:
    """A source that reads the landing of an earlier run (`landing:DIR`), without the platform."""

    folder: Path

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        """The same extracts as in the earlier run; changes if the landing has changes."""
        replayed = Landing.open(self.folder)
        if replayed.record.read_at is None or not replayed.is_whole():
            raise SourceError(
                f"{self.folder}: this landing is incomplete; `--source 360learning` resumes it."
            )
        if not replayed.record.is_full and not state.full_at:
            raise SourceError(
                f"{self.folder}: this landing contains changes since {replayed.record.base}; "
                "replay that one first."
            )
        known = landing / "known"
        yield from extracts(replayed, landing, known)
