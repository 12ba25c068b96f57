"""`pathstats export`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pathstats.cli.options import HomeOption, RawOption, clean_up_on_sigterm, reporting_errors
from pathstats.cli.render.printable import say
from pathstats.tables import reading
from schemas.errors import UsageError
from schemas.home import OCCASIONAL_TABLES, PARQUET_TABLES, home_at


class Form(StrEnum):
    """The format of the file."""

    csv = "csv"
    xlsx = "xlsx"


@reporting_errors
def export(
    table: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(PARQUET_TABLES)}; {', '.join(OCCASIONAL_TABLES)} where there is one."
        ),
    ],
    form: Annotated[
        Form | None, typer.Option("--format", show_default="by the file's name, else csv")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", show_default="TABLE.csv or TABLE.xlsx, here")
    ] = None,
    raw: RawOption = False,
    home: HomeOption = None,
) -> None:
    """Write a table of the latest release as CSV or as an Excel workbook. Times are UTC.

    In CSV a text that a spreadsheet would read as a formula gets an apostrophe in front (not with --raw).

    Examples:

    pathstats export session_summary --format xlsx

    pathstats export path_session_stats --to stats.csv --raw
    """
    clean_up_on_sigterm()
    form = form or _form_of(to)
    file = to or Path(f"{table}.{form}")
    if not file.absolute().parent.is_dir():
        raise UsageError(
            f"{file.parent}: the folder does not exist; create it, or give another file with --to."
        )
    from pathstats import export as export_module

    with reading(home_at(home)) as release:
        if form is Form.xlsx:
            rows, cut = export_module.to_xlsx(release, table, file)
        else:
            rows, cut = export_module.to_csv(release, table, file, is_raw=raw), 0
    # A file that is not regular may be stdout itself.
    say(f"Wrote {rows:,} rows to {file}.", err=not file.is_file())
    if cut:
        say(f"{cut:,} texts were longer than a cell of Excel can be and end in ….", err=True)


def _form_of(to: Path | None) -> Form:
    """The format by the ending of the file's name; CSV without an ending.

    Raises: UsageError if the ending is unknown.
    """
    ending = to.suffix.lower() if to else ""
    try:
        return Form(ending.removeprefix(".") or "csv")
    except ValueError as error:
        raise UsageError(
            f"{to}: `export` writes .csv and .xlsx, not {ending}; name such a file or say --format csv."
        ) from error
