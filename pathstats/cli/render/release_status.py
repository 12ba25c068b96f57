"""Render the status of the live release: its age, its content, and failures since."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pathstats.cli.render.console import failure_sentences, moment, screen
from pathstats.cli.render.release_list import rolled_back
from pathstats.cli.render.run_summary import by_detailed_status, changes_in_words, show_rows_in
from pathstats.freshness import DataAge, Freshness, in_words
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.release.catalog import Rollback


def show_status(
    manifest: Manifest, fresh: Freshness, rollback: "Rollback | None", failure: dict[str, Any] | None
) -> None:
    """The live release, and the error of the last run."""
    screen.print(
        f"Release [bold]{manifest.release_id}[/] as of {moment(manifest.as_of)}, {_age(fresh.age)}",
        soft_wrap=True,
    )
    screen.print(f"made {moment(manifest.created_at)} from {manifest.source}", soft_wrap=True, markup=False)
    if rollback:
        screen.print(rolled_back(rollback), soft_wrap=True)
    screen.print()
    screen.print(_data(fresh.tables))
    for name, data in fresh.tables.items():
        if data.is_behind:
            words = (
                f"{name} is {in_words(data.lag)} older than the release; see whether it is still delivered."
            )
            screen.print(Text.assemble(("warning ", "yellow"), words), soft_wrap=True)
    screen.print()
    show_rows_in(manifest)
    screen.print()
    screen.print(by_detailed_status(manifest))
    screen.print()
    if manifest.since and not manifest.is_for_an_earlier_time:
        screen.print(f"Since {manifest.since}: {changes_in_words(manifest)}.", soft_wrap=True)
    if failure:
        for sentence in failure_sentences(failure):
            screen.print(Text(sentence, "red"), soft_wrap=True)
    else:
        screen.print("No run has failed since.")


def _data(tables: dict[str, DataAge]) -> Table:
    table = Table(title="Data", title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("taken")
    table.add_column("age", justify="right")
    for name, data in tables.items():
        color = "yellow" if data.is_behind else ""
        table.add_row(name, moment(data.data_as_of.isoformat()), in_words(data.age), style=color)
    return table


def _age(age: timedelta) -> str:
    return f"{in_words(age)} old" if age >= timedelta() else f"{in_words(-age)} ahead of the clock"
