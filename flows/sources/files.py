"""Read exported tables from a folder: one file per table, and later changes in a subfolder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.sources.base import DataWarning, Extract, WarehouseState
from flows.sources.source_folder import CHANGES, Listing, TableFile, listing
from schemas.columns import table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS, OPTIONAL


@dataclass(frozen=True)
class Files:
    """A source with one file (in one of `file_scan.FORMATS`) or one folder of parquet files per table.

    A subfolder `changes` has files of the same names, with rows that are new or replace the row with their
    key. If it exists, a whole table is read only if the warehouse has not read the same content before, and
    changes are read only if they were not applied before: see `_changes`.
    are_changes: the folder itself contains changes; a table that the warehouse lacks is read as a whole.
    An optional table without a file keeps its rows.
    """

    folder: Path
    are_changes: bool = False

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        try:
            if not self.folder.is_dir():
                raise SourceError(f"{self.folder}: the folder does not exist.")
            whole = listing(self.folder)
            has_changes = (self.folder / CHANGES).is_dir()
            changes = listing(self.folder / CHANGES) if has_changes else Listing(self.folder)
            self._require(whole, state, has_changes=has_changes)
            for table in map(table_name, INPUTS):
                found = whole.tables.get(table)
                if not (self.are_changes and table in state.full_at):
                    of_table = changes.tables.get(table)
                    yield from _table(table, found, of_table, state, has_changes=has_changes)
                elif found:
                    yield from _changes(table, found, state)
            yield from self._optional_gone(whole, state, has_changes=has_changes)
            yield from whole.warnings()
            yield from changes.warnings(f"{CHANGES}/")
        except OSError as error:
            raise SourceError(f"{self.folder}: can't be read ({error.strerror}).") from error

    def _optional_gone(
        self, whole: Listing, state: WarehouseState, *, has_changes: bool
    ) -> Iterator[DataWarning]:
        """A warning for each optional table that was delivered before but not now: its rows still apply."""
        if has_changes or self.are_changes:
            return
        for table in map(table_name, OPTIONAL):
            if table in state.full_at and table not in whole.tables:
                yield DataWarning(table, "delivered before but not now; its earlier rows still apply.")

    def _require(self, whole: Listing, state: WarehouseState, *, has_changes: bool) -> None:
        required = (table_name(model) for model in INPUTS if model not in OPTIONAL)
        may_be_stored = has_changes or self.are_changes
        missing = [
            table
            for table in required
            if table not in whole.tables and not (may_be_stored and table in state.full_at)
        ]
        if missing:
            are = "table {} is" if len(missing) == 1 else "tables {} are"
            alone = " Changes alone suffice once the warehouse has the table." if may_be_stored else ""
            hints = "".join(f" {warning}" for warning in whole.warnings())
            raise SourceError(
                f"{self.folder}: {are.format(', '.join(missing))} missing; expected {missing[0]}.parquet, "
                f".csv or .ndjson.{alone}{hints}"
            )


def _table(
    table: str,
    whole: TableFile | None,
    changes: TableFile | None,
    state: WarehouseState,
    *,
    has_changes: bool,
) -> Iterator[Extract | DataWarning]:
    """The whole table, unless there are changes and the warehouse already has it, followed by the changes."""
    is_new = whole is not None and not (has_changes and _is_stored(table, whole, state))
    if whole and is_new:
        yield from _extract(table, whole, is_full=True)
    elif whole and whole.written_at not in (None, state.full_at.get(table)):
        yield DataWarning(table, f"{whole.path.name} is not read again (same content as last time).")
    if changes:
        yield from _changes(table, changes, state, replaced_by=whole if is_new else None)


def _is_stored(table: str, whole: TableFile, state: WarehouseState) -> bool:
    return state.contents.get(table) == whole.content


def _changes(
    table: str, changes: TableFile, state: WarehouseState, replaced_by: TableFile | None = None
) -> Iterator[Extract | DataWarning]:
    """The changes, unless the last changes had the same content and are still in the stored table.

    Other content is always read, no matter how old the file seems to be: unzipping and copying lose the date.
    replaced_by: the whole table that is read in the same run.
    """
    last = state.changes.get(table)
    is_known = last is not None and last.content == changes.content
    since = replaced_by.written_at if replaced_by else state.full_at.get(table)
    is_older = since is not None and (changes.written_at is None or changes.written_at < since)
    name = _name(changes, is_full=False)
    if last and is_known and (is_older or not (replaced_by or last.are_in_whole)):
        yield DataWarning(table, f"{name} was applied before (same content) and is not read again.")
        return
    if replaced_by and is_older and changes.written_at:
        yield DataWarning(
            table,
            f"{name} is applied although it is older than the table; delete it if the table includes it.",
        )
    yield from _extract(table, changes, is_full=False)


def _extract(table: str, file: TableFile, *, is_full: bool) -> Iterator[Extract | DataWarning]:
    """The file as an extract; without a credible date it counts as written now, not in 1980."""
    if file.written_at is None:
        name = _name(file, is_full=is_full)
        yield DataWarning(table, f"{name} has no credible date; it counts as written now.")
    yield Extract(table, file.path, file.written_at or datetime.now(UTC), is_full, file.content)


def _name(file: TableFile, *, is_full: bool) -> str:
    """The file's name; for changes with their folder."""
    return file.path.name if is_full else f"{file.path.parent.name}/{file.path.name}"
