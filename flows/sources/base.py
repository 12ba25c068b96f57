"""The interface of a source: it delivers the input tables as files that the warehouse loads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Extract:
    """One table as a source delivered it.

    file:       in one of `flows.files.file_scan.FORMATS`, or a folder of parquet files; columns as in
                `schemas.inputs`.
    data_as_of: how far the data reaches: when it was taken from the system it comes from.
    is_full:    the whole table: what is missing from it is gone. Else only changes: each row replaces the one
                of its key or is new, all others stay.
    content:    a hash of the bytes, by which the same delivery is recognized; None: the source does not ask.
    """

    table: str
    file: Path
    data_as_of: datetime
    is_full: bool = True
    content: str | None = None

    @property
    def name(self) -> str:
        """The table, and whether it contains changes."""
        return self.table if self.is_full else f"changes of {self.table}"


@dataclass(frozen=True)
class DataWarning:
    """A fact about the data that a person should know; it never stops a run.

    table: the table it concerns; None: the source as a whole.
    text:  one sentence, without personal data.
    """

    table: str | None
    text: str

    def __str__(self) -> str:
        r"""The sentence with the table in front; names of files and columns may contain any character.

        >>> str(DataWarning("users", "1 unknown column is ignored: \x1b[2J."))
        'users: 1 unknown column is ignored: �[2J.'
        """
        words = f"{self.table}: {self.text}" if self.table else self.text
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)


@dataclass(frozen=True)
class Delivery:
    """Everything that a source delivered to one run.

    extracts: in the warehouse's order: each table before its changes.
    """

    extracts: list[Extract]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AppliedChanges:
    """The last changes of a table that were applied.

    content:      as in `Extract`.
    are_in_whole: a whole table was read after them.
    """

    content: str
    are_in_whole: bool = False


@dataclass(frozen=True)
class WarehouseState:
    """The tables that are in the warehouse already.

    full_at:  when each table it has was last extracted in full.
    taken_at: how far each table reaches: when it, or the last changes of it, were extracted.
    contents: of each whole table, as in `Extract`, where it is known.
    changes:  of each table with changes, the last ones, where their content is known.
    """

    full_at: dict[str, datetime]
    taken_at: dict[str, datetime] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    changes: dict[str, AppliedChanges] = field(default_factory=dict)


EMPTY_WAREHOUSE = WarehouseState({})


class Source(Protocol):
    """A source of learning data."""

    def extract(
        self, landing: Path, as_of: datetime, state: WarehouseState
    ) -> Iterator[Extract | DataWarning]:
        """Deliver each of the six tables, in any order; changes of a table after the table itself.

        Warnings may stand anywhere among them.

        The optional tables may be left out; the warehouse then keeps its rows of them.

        landing: an empty folder to write files into, unless the source has files of its own. Files that it
                 needs again in another run go into a folder next to it.
        as_of:   the run's time.
        state:    what the warehouse has; a table it has may be left out if nothing changed in it.
        Raises:  SourceError, naming what is missing or can't be read; SourceUnavailable if a retry may help.
        """
        ...
