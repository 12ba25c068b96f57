"""`pathstats query`"""

from enum import StrEnum
from typing import Annotated

import typer

from pathstats import settings
from pathstats.cli.options import HomeOption, reporting_errors
from pathstats.scanning import latest_release
from schemas.errors import UsageError
from schemas.home import PARQUET_TABLES


class Shape(StrEnum):
    """How a query's answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


@reporting_errors
def query(
    sql: Annotated[str, typer.Argument(help="DuckDB SQL; the release's tables go by their names.")],
    shape: Annotated[Shape, typer.Option("--format", help="How to write the answer.")] = Shape.table,
    home: HomeOption = None,
) -> None:
    """Ask the latest release in SQL.

    Tables: path_session_stats, step_stats, session_summary, users, path_sessions, quarantine.

    Example:

    pathstats query "SELECT user_id, next_due_at FROM path_session_stats WHERE detailed_status_type = 'late'"
    """
    release = latest_release(settings.home(home))
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in PARQUET_TABLES:
            file = str(release.table(table)).replace("'", "''")
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{file}')")
        try:
            answer = connection.sql(sql)
            if answer is None:
                return
            import polars as pl

            frame = pl.DataFrame(answer)
        except duckdb.Error as error:
            raise UsageError(f"DuckDB can't run this query: {str(error).strip()}") from error
    if shape is Shape.csv:
        typer.echo(frame.write_csv(), nl=False)
    elif shape is Shape.json:
        typer.echo(frame.write_json())
    else:
        from pathstats.cli.screen import show_frame

        show_frame(frame)
