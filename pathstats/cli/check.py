"""`pathstats check`"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pathstats.cli.options import AsOfOption, JsonOption, MaxRefusedOption, instant, now, reporting_errors


@reporting_errors
def check(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="files:DIR, oulad:DIR or demo[:learners=N,seed=S].")
    ],
    max_refused: MaxRefusedOption = 0.05,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which rows of a source would be refused and why; nothing is kept or published.

    Ends with 5 if a night would be held back, with 3 if the source can't be read.

    Example:

    pathstats check files:exports/
    """
    from flows.checking_night import check_source

    counts = check_source(source, instant(as_of) or now())
    held_back = [table for table, count in counts.items() if count.refused_share > max_refused]
    if as_json:
        tables = {table: asdict(count) for table, count in counts.items()}
        typer.echo(json.dumps({"source": source, "tables": tables, "held_back_by": held_back}, indent=2))
    else:
        from pathstats.cli.screen import show_check

        show_check(counts, held_back, max_refused)
    if held_back:
        raise typer.Exit(5)
