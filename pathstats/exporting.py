"""A release's table as a file for other programs: CSV, or a workbook of Excel."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pathstats.scanning import scan_table
from schemas.columns import UTC_TIME, table_name
from schemas.dictionary import column_metadata
from schemas.errors import UsageError
from schemas.home import Release
from schemas.inputs import OPTIONAL
from schemas.outputs import OUTPUTS, SOMETIMES

if TYPE_CHECKING:
    import xlsxwriter

# Of a sheet and of a cell in Excel; the header takes a row.
_ROWS = 1_048_576 - 1
_LETTERS = 32_767
_ROWS_AT_ONCE = 50_000
# What a spreadsheet takes for the beginning of a formula, or skips before one.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"


def to_csv(release: Release, table: str, file: Path, *, is_raw: bool) -> int:
    """Write the table as CSV; how many rows. Times are ISO 8601 with Z; a missing value is empty.

    is_raw: leave texts that a spreadsheet would take for a formula as they are.
    """
    rows = scan_table(release, table)
    text = pl.selectors.string()
    if not is_raw:
        rows = rows.with_columns(
            pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()
        )
    with _beside(file) as beside:
        rows.sink_csv(beside, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return int(rows.select(pl.len()).collect().item())


def to_xlsx(release: Release, table: str, file: Path) -> tuple[int, int]:
    """Write the table as a sheet, what its columns mean as another; how many rows, how many texts were cut.

    A text is a text to Excel, whatever it begins with. Times are Excel's own, which have no zone: UTC.
    Raises: UsageError if xlsxwriter is not installed, or a sheet can't hold that many rows.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise UsageError(
            "Workbooks need the extra `excel`: pip install 'pathstats[excel]'; or export with --format csv."
        ) from error
    rows = scan_table(release, table)
    count = int(rows.select(pl.len()).collect().item())
    if count > _ROWS:
        raise UsageError(
            f"Table {table} has {count:,} rows, and a sheet of Excel holds {_ROWS:,} below its header; "
            'export it with --format csv, or a part of it with `pathstats query "…" --format csv`.'
        )
    as_they_are = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with (
        _beside(file) as beside,
        xlsxwriter.Workbook(str(beside), {"constant_memory": True, **as_they_are}) as book,
    ):
        cut = _write_rows(book, table, rows)
        _write_meanings(book, table)
    return count, cut


def _write_rows(book: "xlsxwriter.Workbook", table: str, rows: pl.LazyFrame) -> int:
    sheet = book.add_worksheet(table)
    schema = rows.collect_schema()
    bold, time = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for place, (name, kind) in enumerate(schema.items()):
        sheet.set_column(place, place, max(len(name) + 2, 19 if kind == UTC_TIME else 10))
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    line = cut = 0
    for part in rows.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True):
        for row in part.iter_rows():
            line += 1
            for place, value in enumerate(row):
                cut += _write_value(sheet, line, place, value, time)
    sheet.autofilter(0, 0, max(line, 1), len(schema) - 1)
    return cut


def _write_value(sheet: Any, line: int, place: int, value: Any, time: Any) -> bool:
    """Write a value of any type; whether it had to be cut."""
    if isinstance(value, datetime):
        # Excel counts days from 1900 on; what lies before is a text.
        if value.year < 1900:
            sheet.write_string(line, place, value.isoformat())
        else:
            sheet.write_datetime(line, place, value.replace(tzinfo=None), time)
    elif isinstance(value, str):
        is_long = len(value) > _LETTERS
        sheet.write_string(line, place, f"{value[: _LETTERS - 1]}…" if is_long else value)
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
def _beside(file: Path) -> Iterator[Path]:
    """A file beside that takes the name when it is complete; after an error nothing is left of it."""
    beside = file.with_name(f".{file.name}.new")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
