"""Tables that somebody exported: one file each in one folder, and what changed since in another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.sources.base import Extract, Held
from flows.warehouse.reading import FORMATS
from schemas.columns import table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS, OPTIONAL

CHANGES = "changes"


@dataclass(frozen=True)
class Files:
    """`<table>.parquet`, `.csv`, `.csv.gz`, `.ndjson` or `.ndjson.gz` for each table.

    A folder `changes` in the folder holds rows that are new or replace the row of their key, in files of the
    same names. Where it is, a whole table is read only if it is another one than the warehouse has, and
    changes only if they are no older than the whole table.
    are_changes: the folder itself holds such rows, at most; a table the warehouse lacks is read as whole.
    An optional table that has no file stays what it was.
    """

    folder: Path
    are_changes: bool = False

    def extract(self, landing: Path, as_of: datetime, held: Held) -> Iterator[Extract]:
        try:
            if not self.folder.is_dir():
                raise SourceError(f"{self.folder}: there is no such folder.")
            for model in INPUTS:
                name = table_name(model)
                yield from self._extracts(name, held.full_at.get(name), is_optional=model in OPTIONAL)
        except OSError as error:
            raise SourceError(f"{self.folder}: can't be read ({error.strerror}).") from error

    def _extracts(self, table: str, held_since: datetime | None, *, is_optional: bool) -> Iterator[Extract]:
        whole = _file_of(self.folder, table)
        if self.are_changes and held_since:
            if whole:
                yield Extract(table, whole, _written_at(whole), is_full=False)
            return
        has_changes = (self.folder / CHANGES).is_dir()
        may_change = has_changes or self.are_changes
        if whole is None and not (has_changes and held_since) and not is_optional:
            alone = " Changes alone do once the warehouse has the table." if may_change else ""
            raise SourceError(
                f"{self.folder}: table {table} is missing; there is no {table}.parquet, .csv or .ndjson."
                f"{alone}"
            )
        is_news = not has_changes or held_since is None
        if whole and (is_news or (held_since and _written_at(whole) != held_since)):
            held_since = _written_at(whole)
            yield Extract(table, whole, held_since)
        changes = _file_of(self.folder / CHANGES, table) if has_changes else None
        is_newer = changes and (_written_at(changes) >= held_since if held_since else is_optional)
        if changes and is_newer:
            yield Extract(table, changes, _written_at(changes), is_full=False)


def _file_of(folder: Path, table: str) -> Path | None:
    found = [file for ending in FORMATS if (file := folder / f"{table}{ending}").is_file()]
    if len(found) > 1:
        raise SourceError(f"{folder}: table {table} comes twice, {found[0].name} and {found[1].name}.")
    return found[0] if found else None


def _written_at(file: Path) -> datetime:
    """When the file was written; a clock that was ahead must not date what is so today into the future."""
    return min(datetime.fromtimestamp(file.stat().st_mtime, UTC), datetime.now(UTC))
