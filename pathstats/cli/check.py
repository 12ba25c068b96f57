"""`pathstats check`"""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.run_config import SOURCES
from pathstats.cli.options import (
    AsOfOption,
    JsonOption,
    instant,
    now,
    reporting_errors,
)
from pathstats.cli.run_options import run_options
from schemas.errors import SourceError


@reporting_errors
@run_options("max_rejected", "min_matched", "strict")
def check(
    source: Annotated[str, typer.Argument(metavar="SRC", help=SOURCES)],
    options: dict[str, Any],
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report which rows of a source would be rejected and why, without storing or publishing anything.

    Checks the source alone, as a first run would: full tables with their changes. Only a run can report
    tables that have shrunk. Of `changes:DIR` it checks the tables that are there.

    From `360learning` it requests only the first page of each list: is the platform reachable, does it know
    the client, and does it grant every scope?

    Exit code 5 if a run would be blocked, 3 if the source can't be read.

    Examples:

    pathstats check files:exports/

    pathstats check changes:exports/changes/

    pathstats check 360learning
    """
    if source == "360learning":
        _check_platform(as_json)
        return
    from flows.warehouse.source_check import check_source

    checked = check_source(source, instant(as_of) or now(), options["min_matched"])
    max_rejected, strict = options["max_rejected"], options["strict"]
    blocked_by = checked.blocked_by(max_rejected)
    if as_json:
        deliveries = checked.deliveries
        tables = {
            table: {"delivery": deliveries[table], **asdict(count)} for table, count in checked.counts.items()
        }
        verdict = {"blocked_by": blocked_by, "all_pending": checked.all_pending}
        warned = {
            "warnings": checked.warnings,
            "matched": {company: asdict(it) for company, it in checked.matched.items()},
        }
        typer.echo(json.dumps({"source": source, "tables": tables, **verdict, **warned}, indent=2))
    else:
        from pathstats.cli.render.source_check import show_check

        show_check(checked, blocked_by, max_rejected, is_strict=strict)
    if blocked_by or checked.all_pending or (strict and checked.implausible):
        raise typer.Exit(5)


def _check_platform(as_json: bool) -> None:
    from flows.sources.learning360.preflight import probe
    from flows.sources.learning360.settings import Settings

    probes = probe(Settings.read())
    if as_json:
        lists = [asdict(found) for found in probes]
        typer.echo(json.dumps({"source": "360learning", "lists": lists}, indent=2))
    else:
        from pathstats.cli.render.preflight import show_probes

        show_probes(probes)
    if any(found.is_fault for found in probes):
        raise typer.Exit(SourceError.exit_code)
