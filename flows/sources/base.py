"""What a source is: it lands the six tables as files that the warehouse loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Extract:
    """One table as a source delivered it.

    file:       `.parquet`, `.csv` or `.ndjson`, the last two also with `.gz`; columns as in `schemas.inputs`.
    data_as_of: how far the data reaches: when it was taken from the system it comes from.
    """

    table: str
    file: Path
    data_as_of: datetime


class Source(Protocol):
    """Somewhere learning data comes from."""

    def extract(self, landing: Path, as_of: datetime) -> Iterator[Extract]:
        """Deliver each of the six tables once, in any order.

        landing: an empty folder to write files into, where the source holds none of its own.
        as_of:   the night's time.
        Raises:  SourceError, naming what is missing or can't be read; SourceUnavailable if a retry may help.
        """
        ...
