"""Export a table of a release as CSV or as an Excel workbook."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from pathstats.spreadsheets import as_plain_texts, is_formula
from pathstats.tables import scan_table
from schemas.columns import UTC_TIME, table_name
from schemas.dictionary import column_metadata
from schemas.errors import FileUnwritable, ReleaseDamaged, UsageError, reason_of
from schemas.home import Release
from schemas.inputs import OPTIONAL
from schemas.outputs import OUTPUTS, SOMETIMES

if TYPE_CHECKING:
    import xlsxwriter

# Of a sheet and of a cell in Excel; the header takes a row.
_ROWS = 1_048_576 - 1
_LETTERS = 32_767
_ROWS_AT_ONCE = 50_000


def to_csv(release: Release, table: str, file: Path, *, is_raw: bool) -> int:
    """Write the table as CSV; how many rows. Times are ISO 8601 with Z; a missing value is empty.

    is_raw: leave texts that a spreadsheet would take for a formula as they are.
    """
    rows = scan_table(release, table)
    if not is_raw:
        rows = rows.with_columns(as_plain_texts(pl.selectors.string()))
    with _written(file) as partial:
        rows.sink_csv(partial, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return int(rows.select(pl.len()).collect().item())


def to_xlsx(release: Release, table: str, file: Path) -> tuple[int, int]:
    """Write the table as a sheet, what its columns mean as another; how many rows, how many texts were cut.

    A text is a text to Excel, whatever it begins with, also once its cell is edited. Times are Excel's own,
    which have no zone: UTC.
    Raises: UsageError if xlsxwriter is not installed, or a sheet can't contain that many rows.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise UsageError(
            "Workbooks need the extra `excel`: pip install 'pathstats[excel]'; or export with --format csv."
        ) from error
    rows = scan_table(release, table)
    as_they_are = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with _written(file) as partial:
        count = int(rows.select(pl.len()).collect().item())
        if count > _ROWS:
            raise UsageError(
                f"Table {table} has {count:,} rows, more than the {_ROWS:,} of an Excel sheet; "
                'export it with --format csv, or a part of it with `pathstats query "…" --format csv`.'
            )
        # xlsxwriter keeps rows in temporary files, by default in a folder that all users share.
        options = {"constant_memory": True, "tmpdir": str(partial.parent), **as_they_are}
        book = xlsxwriter.Workbook(str(partial), options)
        try:
            cut = _write_rows(book, table, rows)
            _write_meanings(book, table)
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise error.args[0] from None
        finally:
            # Left to the garbage collector, a file that a full disk keeps from closing prints a traceback.
            for sheet in book.worksheets():
                with suppress(OSError):
                    sheet._opt_close()
    return count, cut


def _write_rows(book: "xlsxwriter.Workbook", table: str, rows: pl.LazyFrame) -> int:
    sheet = book.add_worksheet(table)
    schema = rows.collect_schema()
    bold, time = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    text = book.add_format({"quote_prefix": True})
    for place, (name, kind) in enumerate(schema.items()):
        sheet.set_column(place, place, max(len(name) + 2, 19 if kind == UTC_TIME else 10))
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    line = cut = 0
    for part in rows.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True):
        for row in part.iter_rows():
            line += 1
            for place, value in enumerate(row):
                cut += _write_value(sheet, line, place, value, time, text)
    sheet.autofilter(0, 0, max(line, 1), len(schema) - 1)
    return cut


def _write_value(sheet: Any, line: int, place: int, value: Any, time: Any, text: Any) -> bool:
    """Write a value of any type; whether it had to be cut.

    text: the format of texts that Excel would take for a formula once their cell is edited.
    """
    if isinstance(value, datetime):
        # Excel counts days from 1900 on; earlier dates become text.
        if value.year < 1900:
            sheet.write_string(line, place, value.isoformat())
        else:
            sheet.write_datetime(line, place, value.replace(tzinfo=None), time)
    elif isinstance(value, str):
        is_long = len(value) > _LETTERS
        written = f"{value[: _LETTERS - 1]}…" if is_long else value
        sheet.write_string(line, place, written, text if is_formula(value) else None)
        return is_long
    elif value is not None:
        sheet.write(line, place, value)
    return False


def _write_meanings(book: "xlsxwriter.Workbook", table: str) -> None:
    sheet = book.add_worksheet("columns")
    model = next(model for model in (*OUTPUTS, *SOMETIMES, *OPTIONAL) if table_name(model) == table)
    lines = [("column", "meaning", "unit", "empty means")] + [
        (name, facts["description"], facts.get("unit", ""), facts.get("null", ""))
        for name, facts in column_metadata(model).items()
    ]
    for number, line in enumerate(lines):
        for place, value in enumerate(line):
            sheet.write_string(number, place, value)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    sheet.set_column(2, 3, 24)


@contextmanager
def _written(file: Path) -> Iterator[Path]:
    """A file to write, which takes the name when it is complete; after an error nothing is left of it.

    It is written, with all temporary files, in a folder next to the target that only this user can open. A
    target that is not a regular file, such as /dev/stdout, receives a copy.
    Raises: FileUnwritable; ReleaseDamaged if what is to be written can't be read.
    """
    is_device = file.exists() and not file.is_file()
    try:
        with TemporaryDirectory(prefix=".pathstats-", dir=None if is_device else file.parent) as folder:
            partial = Path(folder, "partial")
            yield partial
            if is_device:
                with partial.open("rb") as content, file.open("wb") as device:
                    shutil.copyfileobj(content, device)
            else:
                partial.replace(file)
    except BrokenPipeError:
        # The reader of /dev/stdout, `head` perhaps, has seen enough.
        raise
    except OSError as error:
        raise FileUnwritable(file, reason_of(error)) from error
    except pl.exceptions.PolarsError as error:
        raise ReleaseDamaged("A table of the release can't be read; `pathstats verify` names it.") from error
