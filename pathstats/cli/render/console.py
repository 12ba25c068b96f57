"""The consoles of all commands, and the rendering of progress, explanations and rows."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from flows.report import attempt_labels
from pathstats.cli.render.printable import printable

if TYPE_CHECKING:
    from pathstats.explain import Explanation


class _Screen(Console):
    """Prints no text that steers the terminal: all commands print values of the data through it.

    Leaves it to the command what follows from a reader, `head` perhaps, that has seen enough.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # Its own controls, of a spinner for example, are not text.
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


screen = _Screen(highlight=False)
stderr_screen = _Screen(stderr=True, highlight=False)

# A table that is wider than the terminal wraps its columns to this width, or shows each row as a block.
_NARROWEST = 30
_BLOCKS = 20


class _StageLines(logging.Handler):
    """A line per stage on stderr: running while it runs, with its seconds when it is done.

    Warnings about the data are kept for `show_kept_warnings`: the closing tables list them.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._running = stderr_screen.status("")
        self._kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        state = getattr(record, "state", None)
        stage = getattr(record, "stage", "")
        if getattr(record, "is_about_data", False):
            self._kept.append(record.getMessage())
        elif record.levelno >= logging.WARNING:
            stderr_screen.print(Text.assemble(("warning ", "yellow"), record.getMessage()), soft_wrap=True)
        elif state == "started":
            self._running.update(stage)
            self._running.start()
        elif state == "done":
            self._running.stop()
            seconds = getattr(record, "seconds", 0.0)
            stderr_screen.print(Text.assemble(("✓ ", "green"), f"{stage:29}", (f"{seconds:7.2f} s", "dim")))

    def show_kept_warnings(self) -> None:
        """Print the warnings about the data of a run that ended without its closing tables."""
        self._running.stop()
        for warning in dict.fromkeys(self._kept):
            stderr_screen.print(Text.assemble(("warning ", "yellow"), warning), soft_wrap=True)

    def close(self) -> None:
        self._running.stop()
        super().close()


@contextmanager
def run_progress(*, quiet: bool) -> Iterator[None]:
    """Show the run's stages while they run."""
    log = logging.getLogger("pathstats.run")
    handler: logging.Handler = logging.NullHandler() if quiet else _StageLines()
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    propagated, log.propagate = log.propagate, False
    try:
        yield
    except BaseException:
        if isinstance(handler, _StageLines):
            handler.show_kept_warnings()
        raise
    finally:
        log.propagate = propagated
        log.removeHandler(handler)
        handler.close()


def show_sql_steps() -> None:
    """Show each SQL step on stderr, with its seconds and rows."""
    log, handler = logging.getLogger("pathstats.sql"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("  sql %(message)s"))
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    log.propagate = False


@contextmanager
def spinner(reason: str) -> Iterator[None]:
    """Show a spinner with the reason and the seconds so far; without a terminal, a line."""
    if not stderr_screen.is_terminal:
        stderr_screen.print(Text(f"{reason} …", "dim"))
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn

    words = TextColumn("{task.description} … {task.elapsed:.0f} s")
    with Progress(SpinnerColumn(), words, console=stderr_screen, transient=True) as progress:
        progress.add_task(reason, total=None)
        yield


def moment(iso: str) -> str:
    """An instant as a person reads it.

    >>> moment("2026-03-10T00:00:00+00:00")
    '2026-03-10 00:00 UTC'
    """
    clock = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{clock:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def failure_sentences(failure: dict[str, Any]) -> list[str]:
    """The error of the last run and, if it is another one, the first since a release was published."""
    sentences = [f"The last run failed at {moment(failure['at'])}: {failure['message']}"]
    first, failures = failure.get("first", failure), failure.get("failures", 1)
    if failures > 1:
        sentences.append(f"The first of {failures} to fail was at {moment(first['at'])}: {first['message']}")
    return sentences


def show_explanation(explained: "Explanation") -> None:
    """Sentences, then the steps, then the attempts at them."""
    screen.print()
    for sentence in explained.sentences:
        screen.print(sentence, soft_wrap=True, markup=False)
    screen.print()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    # At 80 columns ids of 24 characters stay whole, and so do outcomes with a date.
    steps = [{**step, "step_id": printable(step["step_id"])} for step in explained.steps]
    is_short = all(len(step["step_id"]) <= 24 for step in steps)
    table.add_column("step", overflow="fold", no_wrap=is_short)
    table.add_column("outcome")
    table.add_column("due (UTC)")
    for name in ("score", "attempts", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in steps:
        table.add_row(
            Text(step["step_id"]),
            _outcome(step),
            f"{step['due_at']:%Y-%m-%d}" if step["due_at"] else "–",
            "–" if step["score"] is None else f"{attempt_labels.number(step['score'])} %",
            str(step["attempts_used"]),
            _duration(step["time_ms"]),
        )
    screen.print(table)
    _show_attempts(explained)


def _show_attempts(explained: "Explanation") -> None:
    """A block for each step that has attempts, a line for each of them; long ones are wrapped."""
    screen.print()
    if not explained.attempts:
        screen.print("No attempt of the learner at a step of this session is known.")
        return
    for step_id, lines in groupby(explained.attempts, key=lambda line: line.step_id):
        screen.print(Text(f"attempts at {step_id}", "bold"))
        block = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        block.add_column(no_wrap=True, min_width=18)
        for _ in ("score", "time"):
            block.add_column(justify="right", no_wrap=True, min_width=7)
        block.add_column(overflow="fold")
        for line in lines:
            block.add_row(
                f"  {line.at:%Y-%m-%d %H:%M}" if line.at else "  –",
                "–" if line.score is None else f"{attempt_labels.number(line.score)} %",
                "–" if line.time_spent_ms is None else _duration(line.time_spent_ms),
                Text(line.words),
            )
        screen.print(block)


def _outcome(step: dict[str, Any]) -> str:
    words = {
        "successful": "successful",
        "exhausted": "failed, no attempt left",
        "to_retake": "failed, to retake",
        "replay_pending": "to do again here",
        "awaiting_correction": "awaiting correction",
        "overdue": "overdue",
    }
    sentences = [text for flag, text in words.items() if step[flag]] or ["open"]
    if not step["finished"] and step["progress"]:
        sentences.append(f"{step['progress']} % done")
    since: datetime | None = step["successful_at"] or step["finished_at"]
    if since:
        sentences[0] += f" {since:%Y-%m-%d}"
    if step["carried_over"]:
        sentences.append("carried over")
    if step["optional"]:
        sentences.append("optional")
    return ", ".join(sentences)


def _duration(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def show_rows(
    names: list[str], are_numbers: list[bool], rows: list[tuple[str | None, ...]], *, is_all: bool
) -> None:
    """A query's answer: as a table where it fits the terminal, else each row as a block of lines."""
    # Applied here too, so that the columns are as wide as the printed text.
    names = list(map(printable, names))
    rows = [tuple(value if value is None else printable(value) for value in row) for row in rows]
    natural = [
        max(map(cell_len, (name, *(row[place] or "–" for row in rows)))) for place, name in enumerate(names)
    ]
    shown = len(rows)
    if screen.is_terminal and sum(min(width, _NARROWEST) + 2 for width in natural) > screen.width:
        shown = min(shown, _BLOCKS)
        _show_blocks(names, rows[:shown])
    else:
        table = Table(box=None, pad_edge=False)
        for name, is_number in zip(names, are_numbers, strict=True):
            table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text("–" if value is None else value) for value in row))
        width = screen.width if screen.is_terminal else max(screen.width, sum(natural) + 2 * len(names))
        _Screen(highlight=False, width=width).print(table)
    if shown < len(rows) or not is_all:
        stderr_screen.print(f"… the first {shown:,} rows; --format csv writes all of them.")


def _show_blocks(names: list[str], rows: list[tuple[str | None, ...]]) -> None:
    for number, row in enumerate(rows, 1):
        screen.print(Text(f"row {number}", "bold"))
        block = Table(box=None, pad_edge=False, show_header=False)
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, value in zip(names, row, strict=True):
            block.add_row(Text(name, "dim"), Text("–" if value is None else value))
        screen.print(block)
