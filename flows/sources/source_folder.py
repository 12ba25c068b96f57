"""List the tables in a folder, each a file or a folder of parquet files, and the files that are not read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from flows.files.file_scan import FORMATS
from flows.files.parquet_files import part_files
from flows.sources.base import DataWarning
from schemas.columns import table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS

_TABLES = tuple(table_name(model) for model in INPUTS)
# The most unread files that a warning names.
_NAMED_FILES = 10
# Files that operating systems and Spark create.
_IGNORED = ("_SUCCESS", "desktop.ini", "Thumbs.db")
# unzip and copying date files in 1970 or 1980 if their date is lost.
_FIRST_CREDIBLE_YEAR = 2000


@dataclass(frozen=True)
class TableFile:
    """A table's file, or the folder of its parquet files."""

    path: Path

    @cached_property
    def content(self) -> str:
        """A hash of the bytes; for a folder, of its files' bytes, regardless of their names."""
        files = part_files(self.path) if self.path.is_dir() else [self.path]
        digests = sorted(_digest(file) for file in files)
        return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @property
    def written_at(self) -> datetime | None:
        """The modification time; None if it is not credible: before 2000 or in the future."""
        files = part_files(self.path) if self.path.is_dir() else [self.path]
        latest = max((file.stat().st_mtime for file in files), default=0.0)
        if not _EARLIEST <= latest <= datetime.now(UTC).timestamp():
            return None
        return datetime.fromtimestamp(latest, UTC)


_EARLIEST = datetime(_FIRST_CREDIBLE_YEAR, 1, 1, tzinfo=UTC).timestamp()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Listing:
    """The tables in a folder by name, and the names of the other entries."""

    folder: Path
    tables: dict[str, TableFile] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def warnings(self, below: str = "") -> Iterator[DataWarning]:
        """A warning for each unread entry that looks like a table, and one for all other unread entries.

        below: the name of a subfolder of the source's folder, with a slash.
        """
        hints = {name: hint for name in self.others if (hint := self._hint(name))}
        for name in list(hints)[:_NAMED_FILES]:
            yield DataWarning(None, f"{below}{name} is not read. {hints[name]}")
        rest = [name for name in self.others if name not in hints] + list(hints)[_NAMED_FILES:]
        if rest:
            named = ", ".join(f"{below}{name}" for name in rest[:_NAMED_FILES])
            more = f" and {len(rest) - _NAMED_FILES:,} more" if len(rest) > _NAMED_FILES else ""
            yield DataWarning(None, f"{named}{more} {'is' if len(rest) == 1 else 'are'} not read.")

    def _hint(self, name: str) -> str | None:
        """A hint which table the entry may be, and how it would be read; None if it resembles no table."""
        stem, dot, ending = name.rstrip("/").partition(".")
        nearest = get_close_matches(stem.lower(), (*_TABLES, CHANGES), n=1, cutoff=0.6)
        if not nearest:
            return None
        table = nearest[0]
        if table in self.tables:
            return f"Table {table} is read from {self.tables[table].path.name}."
        if name.endswith("/"):
            return (
                f"Is it {table}/? It must contain parquet files." if table != CHANGES else "Is it changes/?"
            )
        if f".{ending.lower()}" in FORMATS:
            return f"Is it {table}{dot}{ending}?"
        return f"Is it {table}? Tables are read from .parquet, .csv and .ndjson files."


CHANGES = "changes"


def listing(folder: Path) -> Listing:
    """The tables in the folder. Case in names does not matter.

    Raises: SourceError if a table has two files; OSError if the folder can't be read.
    """
    found = Listing(folder)
    for entry in sorted(folder.iterdir()):
        table = _table_of(entry)
        if table in found.tables:
            other = found.tables[table].path.name
            raise SourceError(f"{folder}: table {table} has two files, {other} and {entry.name}.")
        if table:
            found.tables[table] = TableFile(entry)
        elif not (entry.name.startswith(".") or entry.name in (*_IGNORED, CHANGES)):
            found.others.append(entry.name + ("/" if entry.is_dir() else ""))
    return found


def _table_of(entry: Path) -> str | None:
    """The table in the file or folder; None if it is not a table."""
    name = entry.name.lower()
    if entry.is_dir():
        table = name.removesuffix(".parquet")
        return table if table in _TABLES and (table != name or part_files(entry)) else None
    return next((table for table in _TABLES for ending in FORMATS if name == table + ending), None)
