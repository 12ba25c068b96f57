"""Render the preflight check of a platform."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pathstats.cli.render.console import screen

if TYPE_CHECKING:
    from flows.sources.learning360.preflight import Probe

_COLOURS = {"readable": "green", "missing scope": "red", "failed": "red"}


def show_probes(probes: "list[Probe]") -> None:
    """The response of each list, and the remedy for failures."""
    table = Table(box=None, pad_edge=False)
    for name in ("list", "scope", "answer"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows of its first page", justify="right")
    for probe in probes:
        rows = "" if probe.rows is None else f"{probe.rows:,}"
        color = "yellow" if probe.warning else _COLOURS.get(probe.answer, "dim")
        table.add_row(probe.list, probe.scope, Text(probe.answer, color), rows)
    screen.print(table)
    screen.print()
    # Lists of one scope fail for the same reason.
    for fault in dict.fromkeys(probe.fault for probe in probes if probe.fault):
        screen.print(Text(fault, "red"), soft_wrap=True)
    warnings = [probe.warning for probe in probes if probe.warning]
    for warning in warnings:
        screen.print(Text.assemble(("warning ", "yellow"), warning), soft_wrap=True)
    if not any(probe.is_fault for probe in probes):
        what = "what it needs" if warnings else "all of it"
        screen.print(f"[green]A run can read {what}.[/]")
