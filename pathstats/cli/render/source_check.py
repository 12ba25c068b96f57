"""Render the check of a source."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pathstats.cli.render.console import screen
from pathstats.cli.render.run_summary import delivered, show_matched, show_warnings

if TYPE_CHECKING:
    from flows.warehouse.source_check import Checked


def show_check(checked: "Checked", held_back: list[str], limit: float, *, is_strict: bool) -> None:
    """The result of checking a source's rows."""
    counts = checked.counts
    screen.print(_rows(checked))
    if any(count.examples for count in counts.values()):
        screen.print()
        screen.print(_rejections(checked))
    if checked.pending:
        screen.print()
        screen.print(_pending(checked))
    show_matched(checked.matched)
    show_warnings(checked.warnings)
    screen.print()
    if held_back:
        screen.print(
            f"[red]A run would be blocked[/]: more than {limit:.0%} rejected in {', '.join(held_back)}.",
            soft_wrap=True,
        )
    elif is_strict and checked.implausible:
        count = len(checked.implausible)
        words = f"{count} plausibility warning{'' if count == 1 else 's'}."
        screen.print(f"[red]A strict run would be blocked[/]: {words}")
    elif checked.all_pending:
        screen.print("[red]A run would be blocked[/]: every enrollment has a missing reference.")
    elif not checked.arrivals:
        screen.print("No table has changes there; a run would only move on to its time.")
    elif checked.are_changes:
        screen.print("[green]A run would take these changes in.[/]")
        screen.print("Which rows are pending depends on the rows in the warehouse.")
    else:
        screen.print("[green]A run would publish.[/]")
        screen.print(Text("Checked as a first run, without the rows in a warehouse.", "dim"))


def _rows(checked: "Checked") -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    table.add_column("delivery", no_wrap=True)
    pending = () if checked.are_changes else ("pending",)
    for name in ("read", "sound", "deduplicated", "rejected", "share", *pending):
        table.add_column(name, justify="right", no_wrap=True)
    for name, count in checked.counts.items():
        delivery = checked.deliveries[name]
        if delivery == "none":
            table.add_row(name, delivered(delivery), style="dim")
            continue
        numbers = (count.read, count.stored, count.deduplicated, count.rejected)
        last = () if checked.are_changes else (f"{count.pending:,}",)
        table.add_row(
            name,
            delivered(delivery),
            *(f"{number:,}" for number in numbers),
            f"{count.rejected_share:.2%}",
            *last,
        )
    return table


def _pending(checked: "Checked") -> Table:
    table = _reasons("Pending rows", "missing reference")
    for row in checked.pending:
        table.add_row(row.table, f"{row.count:,}", row.reason, Text(row.detail))
    return table


def _rejections(checked: "Checked") -> Table:
    table = _reasons("Rejected rows", "the first of them")
    for name, count in checked.counts.items():
        # A table and its changes may be rejected for the same reason.
        firsts = dict(example.split(": ", 1) for example in reversed(count.examples))
        for reason, first in sorted(firsts.items()):
            table.add_row(name, f"{count.reasons[reason]:,}", reason, Text(first))
    return table


def _reasons(title: str, last: str) -> Table:
    """A table of row counts by table and reason. last: the title of the last column."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column(last)
    return table
