"""What a person sees: progress while a night runs, tables when it is done. Built as data, printed last."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pathstats.answering import PathStats
from pathstats.scanning import latest_release, scan_table
from schemas.home import Home
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.warehouse.loading import Counts
    from pathstats.explaining import Explanation

screen = Console(highlight=False)
aside = Console(stderr=True, highlight=False)

# In a table of many columns one is folded to no less than this; what still is too wide comes in blocks.
_FOLDED = 30
_BLOCKS = 20
_COLOURS = {
    "successful": "green",
    "onTime": "green",
    "awaitingCorrection": "cyan",
    "toRetake": "yellow",
    "notYetStarted": "yellow",
    "late": "red",
    "unsuccessful": "red",
    "sessionNotOpened": "dim",
}


class _PhaseLines(logging.Handler):
    """A line per phase on stderr: running while it runs, with its seconds when it is done."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._running = aside.status("")

    def emit(self, record: logging.LogRecord) -> None:
        state = getattr(record, "state", None)
        phase = getattr(record, "phase", "")
        if record.levelno >= logging.WARNING:
            aside.print(Text.assemble(("warning ", "yellow"), record.getMessage()))
        elif state == "started":
            self._running.update(phase)
            self._running.start()
        elif state == "done":
            self._running.stop()
            aside.print(Text.assemble(("✓ ", "green"), f"{phase:22}", (f"{record.seconds:7.2f} s", "dim")))  # type: ignore[attr-defined]

    def close(self) -> None:
        self._running.stop()
        super().close()


@contextmanager
def night_progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the night's phases while they run; yields a function that says one more thing."""
    log = logging.getLogger("pathstats.night")
    handler: logging.Handler = logging.NullHandler() if quiet else _PhaseLines()
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    propagated, log.propagate = log.propagate, False
    try:
        yield (lambda words: None) if quiet else (lambda words: aside.print(Text(words, "dim")))
    finally:
        log.propagate = propagated
        log.removeHandler(handler)
        handler.close()


def show_night(manifest: Manifest, home: Home) -> None:
    """The closing tables of a night."""
    screen.print()
    screen.print(rows_in(manifest))
    screen.print()
    screen.print(by_detailed_status(manifest))
    rows = {
        name.removesuffix(".parquet"): out.rows
        for name, out in manifest.files.items()
        if out.rows is not None
    }
    size = sum(out.bytes for out in manifest.files.values()) / 1e6
    screen.print()
    screen.print(
        f"Published [bold]{manifest.release_id}[/] as of {moment(manifest.as_of)}: "
        f"{rows['path_session_stats']:,} enrolments, {rows['step_stats']:,} step rows, {size:,.1f} MB, "
        f"in {sum(manifest.seconds.values()):.1f} s.",
        soft_wrap=True,
    )
    screen.print(f"It is in {home.latest}", soft_wrap=True, markup=False)


def moment(iso: str) -> str:
    """An instant as a person reads it.

    >>> moment("2026-03-10T00:00:00+00:00")
    '2026-03-10 00:00 UTC'
    """
    clock = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{clock:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def rows_in(manifest: Manifest) -> Table:
    table = Table(title="Rows that came in", title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    for name in ("read", "stored", "folded", "refused", "waiting"):
        table.add_column(name, justify="right")
    table.add_column("why")
    for name, count in manifest.tables_in.items():
        why = "\n".join(f"{n:,} {reason}" for reason, n in count.reasons.items())
        numbers = (count.read, count.stored, count.folded, count.refused, count.waiting)
        table.add_row(name, *(f"{number:,}" for number in numbers), why)
    return table


def by_detailed_status(manifest: Manifest) -> Table:
    counts = manifest.enrolments_by_detailed_status
    total = sum(counts.values()) or 1
    table = Table(title="Enrolments by detailed status", title_justify="left", box=None, pad_edge=False)
    table.add_column("detailed status")
    table.add_column("enrolments", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for kind, count in counts.items():
        bar = "█" * round(30 * count / total)
        table.add_row(kind, f"{count:,}", f"{count / total:.1%}", Text(bar, _COLOURS[kind]))
    return table


def show_demo(manifest: Manifest, home: Home) -> None:
    """The demo's night, two look-ups, and what to try next."""
    import polars as pl

    show_night(manifest, home)
    release = latest_release(home)
    stats = scan_table(release, "path_session_stats").filter("is_current")
    users = (
        scan_table(release, "users")
        .select("company_id", "user_id", "email", "status")
        .filter(pl.col("email").str.to_lowercase().is_unique(), pl.col("status") == "active")
        .drop_nulls("email")
    )
    people = (
        stats.filter(
            pl.col("detailed_status_type").is_in(["late", "successful"]), pl.col("score").is_not_null()
        )
        .join(users, on=["company_id", "user_id"])
        .sort("session_id", "user_id")
        .unique("detailed_status_type", keep="first", maintain_order=True)
        .sort("detailed_status_type")
        .collect()
    )
    ask = PathStats(home.root)
    asked = [(row["session_id"], row["email"]) for row in people.iter_rows(named=True)]
    pathstats, place = _from_here(Path(sys.argv[0])), _from_here(home.root)
    for session, email in asked:
        screen.print()
        command = f"$ {pathstats} lookup {session} {email} --home {place}"
        screen.print(Text(command, "bold"), soft_wrap=True)
        screen.print(ask.body(session, email), soft_wrap=True, markup=False)
    session, email = asked[0]
    late = "SELECT session_id, late, enrolled FROM session_summary ORDER BY late DESC LIMIT 5"
    screen.print("\n[bold]Try next[/]")
    for command in (
        f"{pathstats} lookup {session} {email} --explain --home {place}",
        f'{pathstats} query "{late}" --home {place}',
        f"{pathstats} status --home {place}",
        f"{pathstats} demo --write exports/ && {pathstats} check files:exports/",
    ):
        screen.print(f"  {command}", soft_wrap=True, markup=False)


def _from_here(path: Path) -> Path:
    """The path as a person in this folder would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def failure_sentences(failure: dict[str, Any]) -> list[str]:
    """What stopped the last night and, where it is another one, the first since a release was published."""
    said = [f"The last night failed at {moment(failure['at'])}: {failure['message']}"]
    first, failures = failure.get("first", failure), failure.get("failures", 1)
    if failures > 1:
        said.append(f"The first of {failures} to fail was at {moment(first['at'])}: {first['message']}")
    return said


def show_check(counts: "dict[str, Counts]", held_back: list[str], limit: float) -> None:
    """What would become of a source's rows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("table")
    for name in ("read", "sound", "folded", "refused", "share", "waiting"):
        table.add_column(name, justify="right")
    for name, count in counts.items():
        numbers = (count.read, count.stored, count.folded, count.refused)
        table.add_row(
            name, *(f"{number:,}" for number in numbers), f"{count.refused_share:.2%}", f"{count.waiting:,}"
        )
    screen.print(table)
    if any(count.examples for count in counts.values()):
        screen.print()
        screen.print(_refusals(counts))
    for name, count in counts.items():
        if count.ignored_columns:
            ignored = f"{name}: ignored columns: {', '.join(count.ignored_columns)}"
            screen.print(f"\n{ignored}", soft_wrap=True, markup=False)
    screen.print()
    if held_back:
        screen.print(
            f"[red]A night would be held back[/]: more than {limit:.0%} refused in {', '.join(held_back)}.",
            soft_wrap=True,
        )
    else:
        screen.print("[green]A night would publish.[/]")


def _refusals(counts: "dict[str, Counts]") -> Table:
    table = Table(title="Refused rows", title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("reason")
    table.add_column("the first of them")
    for name, count in counts.items():
        for example in count.examples:
            reason, _, first = example.partition(": ")
            table.add_row(name, f"{count.reasons[reason]:,}", reason, Text(first))
    return table


def show_explanation(explained: "Explanation") -> None:
    """Sentences, then the steps."""
    screen.print()
    for sentence in explained.sentences:
        screen.print(sentence, soft_wrap=True, markup=False)
    screen.print()
    table = Table(box=None, pad_edge=False)
    # Ids stay whole and can be copied; in a narrow terminal outcomes and times take two lines.
    is_short = all(len(step["step_id"]) <= 24 for step in explained.steps)
    table.add_column("step", overflow="fold", no_wrap=is_short)
    table.add_column("outcome")
    table.add_column("due (UTC)")
    for name in ("done", "score", "tries", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in explained.steps:
        table.add_row(
            Text(step["step_id"]),
            _outcome(step),
            f"{step['due_at']:%Y-%m-%d %H:%M}" if step["due_at"] else "–",
            f"{step['progress']} %",
            "–" if step["score"] is None else f"{step['score']} %",
            str(step["attempts_used"]),
            _duration(step["time_ms"]),
        )
    screen.print(table)


def _outcome(step: dict[str, Any]) -> str:
    words = {
        "successful": "successful",
        "exhausted": "failed, no attempt left",
        "to_retake": "failed, to retake",
        "replay_pending": "to do again here",
        "awaiting_correction": "awaiting correction",
        "overdue": "overdue",
    }
    said = [text for flag, text in words.items() if step[flag]] or ["open"]
    since: datetime | None = step["successful_at"] or step["finished_at"]
    if since:
        said[0] += f" {since:%Y-%m-%d}"
    if step["carried_over"]:
        said.append("carried over")
    if step["optional"]:
        said.append("optional")
    return ", ".join(said)


def _duration(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def show_rows(
    names: list[str], are_numbers: list[bool], rows: list[tuple[str | None, ...]], *, is_all: bool
) -> None:
    """A query's answer: as a table where it fits the terminal, else each row as a block of lines."""
    natural = [
        max(map(cell_len, (name, *(row[place] or "–" for row in rows)))) for place, name in enumerate(names)
    ]
    shown = len(rows)
    if screen.is_terminal and sum(min(width, _FOLDED) + 2 for width in natural) > screen.width:
        shown = min(shown, _BLOCKS)
        _show_blocks(names, rows[:shown])
    else:
        table = Table(box=None, pad_edge=False)
        for name, is_number in zip(names, are_numbers, strict=True):
            table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text("–" if value is None else value) for value in row))
        width = screen.width if screen.is_terminal else max(screen.width, sum(natural) + 2 * len(names))
        Console(highlight=False, width=width).print(table)
    if shown < len(rows) or not is_all:
        aside.print(f"… the first {shown:,} rows; --format csv writes all of them.")


def _show_blocks(names: list[str], rows: list[tuple[str | None, ...]]) -> None:
    for number, row in enumerate(rows, 1):
        screen.print(Text(f"row {number}", "bold"))
        block = Table(box=None, pad_edge=False, show_header=False)
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, value in zip(names, row, strict=True):
            block.add_row(Text(name, "dim"), Text("–" if value is None else value))
        screen.print(block)
