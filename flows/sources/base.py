"""Define the interface of a source, which delivers the input tables as files for the warehouse to load."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Extract:
    """What a source delivered for one table.

    file:       a file in one of `flows.files.file_scan.FORMATS`, or a folder of parquet files; columns as in
                `schemas.inputs`.
    data_as_of: when the data was extracted from the system it comes from.
    is_full:    True for the whole table: rows missing from it are deleted. False for changes: each row is new
                or replaces the row with its key, and all other rows stay.
    content:    a hash of the bytes, to recognize a repeated delivery; None if the source does not need it.
    """

    table: str
    file: Path
    data_as_of: datetime
    is_full: bool = True
    content: str | None = None

    @property
    def name(self) -> str:
        """The table's name, prefixed with `changes of` if the extract has changes."""
        return self.table if self.is_full else f"changes of {self.table}"


@dataclass(frozen=True)
class DataWarning:
    """A fact about the data that a person should know. It never stops a run.

    table: the table that it is about; None for the source as a whole.
    text:  one sentence, without personal data.
    """

    table: str | None
    text: str

    def __str__(self) -> str:
        r"""The sentence, with the table in front and without control characters, which names may contain.

        >>> str(DataWarning("users", "1 unknown column is ignored: \x1b[2J."))
        'users: 1 unknown column is ignored: �[2J.'
        """
        words = f"{self.table}: {self.text}" if self.table else self.text
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)


@dataclass(frozen=True)
class Delivery:
    """Everything that a source delivered to one run.

    extracts: in the order in which the warehouse loads them: each table before its changes.
    """

    extracts: list[Extract]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AppliedChanges:
    """The changes of a table that were applied last.

    content:      as in `Extract`.
    are_in_whole: whether a whole table was read after them.
    """

    content: str
    are_in_whole: bool = False


@dataclass(frozen=True)
class WarehouseState:
    """The tables that the warehouse already has.

    full_at:  when each table was last extracted in full.
    taken_at: when each table, or its last changes, were extracted.
    contents: the content hash of each whole table (see `Extract`), if known.
    changes:  the last changes of each table, if their content hash is known.
    """

    full_at: dict[str, datetime]
    taken_at: dict[str, datetime] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    changes: dict[str, AppliedChanges] = field(default_factory=dict)


EMPTY_WAREHOUSE = WarehouseState({})


class Source(Protocol):
    """A place that learning data is extracted from."""

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        """Deliver each of the six tables, in any order, with a table's changes after the table itself.

        Warnings may be yielded anywhere in between. The optional tables may be left out; the warehouse then
        keeps its rows of them.

        landing: an empty folder for the files that the source writes. Data for later runs belongs in its
                 parent folder.
        as_of:   the run's as_of.
        state:   what the warehouse has; a table that has not changed since may be left out.
        Raises:  SourceError if something is missing or can't be read; SourceUnavailable if a retry may help.
        """
        ...
