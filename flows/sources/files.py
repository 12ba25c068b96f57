"""Tables that somebody exported: one file each in one folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.sources.base import Extract
from flows.warehouse.reading import FORMATS
from schemas.columns import table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS


@dataclass(frozen=True)
class Files:
    """`<table>.parquet`, `.csv`, `.csv.gz`, `.ndjson` or `.ndjson.gz` for each of the six tables."""

    folder: Path

    def extract(self, landing: Path, as_of: datetime) -> Iterator[Extract]:
        try:
            if not self.folder.is_dir():
                raise SourceError(f"{self.folder}: there is no such folder.")
            for model in INPUTS:
                file = self._file_of(table_name(model))
                yield Extract(table_name(model), file, datetime.fromtimestamp(file.stat().st_mtime, UTC))
        except OSError as error:
            raise SourceError(f"{self.folder}: can't be read ({error.strerror}).") from error

    def _file_of(self, table: str) -> Path:
        found = [file for ending in FORMATS if (file := self.folder / f"{table}{ending}").is_file()]
        if not found:
            raise SourceError(
                f"{self.folder}: table {table} is missing; there is no {table}.parquet, .csv or .ndjson."
            )
        if len(found) > 1:
            raise SourceError(
                f"{self.folder}: table {table} comes twice, {found[0].name} and {found[1].name}."
            )
        return found[0]
