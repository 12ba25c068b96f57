"""Render the list of releases, a rollback, and the result of a verification."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from pathstats.cli import typed
from pathstats.cli.render.console import moment, screen
from schemas.home import Home
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.release.catalog import Rollback
    from flows.release.integrity import Verified
    from flows.release.rollback import Switched

_KIND_COLOURS = {"missing": "red", "changed": "red", "additional": "yellow"}


def show_releases(kept: list[Manifest], latest: str | None, rollback: "Rollback | None", home: Home) -> None:
    """A line per release, a star at the live one, and notes below."""
    table = Table(box=None, pad_edge=False)
    table.add_column("  release", no_wrap=True)
    table.add_column("as of (UTC)")
    table.add_column("made (UTC)")
    table.add_column("enrollments", justify="right")
    table.add_column("size", justify="right", no_wrap=True)
    for manifest in kept:
        is_latest = manifest.release_id == latest
        table.add_row(
            Text(f"{'*' if is_latest else ' '} {manifest.release_id}"),
            _minute(manifest.as_of),
            _minute(manifest.created_at),
            f"{manifest.enrollments:,}",
            decimal(manifest.bytes),
            style="bold green" if is_latest else "",
        )
    screen.print(table)
    screen.print()
    if latest in {manifest.release_id for manifest in kept}:
        screen.print("* the live release: look-ups, queries and scans read it.")
    else:
        screen.print("[red]None of them answers[/]: `latest` names no sound release; roll back to one.")
    if rollback:
        screen.print(rolled_back(rollback), soft_wrap=True)
    count = f"{len(kept)} release{'' if len(kept) == 1 else 's'}"
    size = decimal(sum(manifest.bytes for manifest in kept))
    screen.print(f"{count}, {size}, in {home.releases}", soft_wrap=True, markup=False)


def show_others(damaged: list[str], foreign: list[str]) -> None:
    """Folders among the releases that are not valid releases."""
    if damaged:
        words = f": no sound manifest, never deleted by a run: {', '.join(damaged)}"
        screen.print(Text.assemble(("Damaged", "red"), words), soft_wrap=True)
    if foreign:
        screen.print(f"No releases, left alone: {', '.join(foreign)}", soft_wrap=True, markup=False)


def rolled_back(rollback: "Rollback") -> Text:
    """That a person has switched back, in one sentence of two lines."""
    origin = (
        f"from {rollback.from_release_id}" if rollback.from_release_id else "from a release that was gone"
    )
    words = (
        f" to {rollback.release_id} at {moment(rollback.at)},\n{origin}; the next run publishes a new one."
    )
    return Text.assemble(("Rolled back", "yellow"), words)


def show_switched(switched: "Switched") -> None:
    """The live release now and before."""
    release = switched.manifest
    before = f" instead of {switched.before}" if switched.before else ""
    screen.print(f"Release [bold]{release.release_id}[/] answers now{before}.", soft_wrap=True)
    screen.print(f"It is as of {moment(release.as_of)}, made {moment(release.created_at)}, and intact.")
    if switched.is_newest:
        screen.print("It is the newest release, so nothing is rolled back any more.")
    else:
        status = f"{typed.pathstats()} status"
        screen.print(f"The next run publishes a new release; until then `{status}` reports the rollback.")


def show_verified(verified: "list[Verified]") -> None:
    """A line per release, and one per file that is not as it was published."""
    for result in verified:
        if not result.faults:
            words = f"{result.release_id}: intact, {result.files} files, {decimal(result.bytes)}"
            screen.print(Text.assemble(("✓ ", "green"), words))
            continue
        count = f"{len(result.faults)} file{'' if len(result.faults) == 1 else 's'}"
        screen.print(Text.assemble(("✗ ", "red"), f"{result.release_id}: {count} not as published"))
        table = Table(box=None, pad_edge=False, show_header=False)
        for fault in result.faults:
            kind = Text(f"  {fault.kind}", _KIND_COLOURS[fault.kind])
            table.add_row(kind, Text(fault.file, overflow="fold"), Text(fault.detail))
        screen.print(table)


def _minute(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M}"
