"""Render the list of keys."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pathstats.cli import typed
from pathstats.cli.render.console import screen

if TYPE_CHECKING:
    from pathstats.endpoint.keys import Key


def show_keys(kept: "list[Key]", home: Path | None) -> None:
    """A line per key, in the order in which they were made."""
    if not kept:
        create = typed.command("keys create --company C", home)
        screen.print(f"There are no keys yet; `{create}` creates one.", soft_wrap=True, markup=False)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("key", no_wrap=True)
    table.add_column("company", overflow="fold")
    table.add_column("name", overflow="fold")
    table.add_column("made (UTC)")
    table.add_column("revoked (UTC)")
    for key in kept:
        revoked = _minute(key.revoked_at) if key.revoked_at else "–"
        table.add_row(
            key.key_id,
            Text(key.company_id),
            Text(key.name or "–"),
            _minute(key.created_at),
            revoked,
            style="dim" if key.revoked_at else "",
        )
    screen.print(table)


def _minute(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M}"
