"""Define the options that several commands share, and report errors."""

import functools
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from flows.ops import interrupts
from pathstats.cli.render.printable import say
from schemas.errors import PathStatsError, UsageError, reason_of

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

# Whether the command has written its one JSON object.
_has_answered: ContextVar[bool] = ContextVar("has_answered", default=False)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        envvar="PATHSTATS_HOME",
        show_default="pathstats-data/ here; in a checkout its data/",
        help="Where the warehouse and the releases are kept.",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="ISO-TIME",
        show_default="now",
        help="The instant the statistics are for, with its zone: 2026-03-10T00:00:00Z.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for machines.")]
RawOption = Annotated[
    bool,
    typer.Option(
        "--raw",
        help="CSV for programs: texts stay as they are, also where a spreadsheet sees a formula.",
    ),
]
DirectOption = Annotated[
    bool,
    typer.Option("--direct", help="Run the stages without Prefect: the same release, no server to wait for."),
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Show Prefect's log, and the traceback of an error; -vv also each SQL step with its seconds "
        "and rows.",
    ),
]
NotifyOption = Annotated[
    str | None,
    typer.Option(
        "--notify",
        metavar="URL",
        envvar="PATHSTATS_NOTIFY_URL",
        show_default=False,
        help="A webhook that is notified when runs start to fail and when one is published again. "
        "If the address contains a token, use the variable: other users see a command's arguments.",
    ),
]


def instant(text: str | None) -> datetime | None:
    """The instant of an ISO time with a zone, as a user types it.

    Raises: UsageError if it is invalid.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise UsageError(f"{text!r} has no time zone; write {moment.isoformat()}Z for UTC.")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is not an ISO time; write 2026-03-10T00:00:00Z.") from error


def now() -> datetime:
    """The time, to the second: the as_of of a run without one."""
    return datetime.now(UTC).replace(microsecond=0)


def write_json(facts: object) -> None:
    """Write the one JSON object of a command with --json."""
    typer.echo(json.dumps(facts, indent=2))
    _has_answered.set(True)


def write_json_error(sentence: str, exit_code: int) -> None:
    """Write the JSON object of a failed command, unless it has written one already."""
    if not _has_answered.get():
        write_json({"error": sentence, "exit_code": exit_code})


def clean_up_on_sigterm() -> None:
    """Let SIGTERM end the command as Ctrl-C does, so that its temporary files are removed."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def reporting_errors(command: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """End the command with the error's one sentence on stderr and its exit code, without a traceback.

    With --json the sentence and the code are on stdout too, as JSON.
    """

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        _has_answered.set(False)
        with interrupts.noted() as interrupted:
            try:
                answer = command(*args, **kwargs)
                sys.stdout.flush()
                return answer
            except (typer.Exit, typer.Abort, SystemExit):
                raise
            except BrokenPipeError:
                # The reader of the pipe, e.g. `head`, has closed it.
                _discard_output()
                raise typer.Exit(0) from None
            except BaseException as error:  # A panic of polars is no Exception.
                if kwargs.get("verbose"):
                    traceback.print_exc()
                words, exit_code = _last_words(KeyboardInterrupt() if interrupted() else error)
                say(f"pathstats: {words}", err=True)
                with suppress(OSError):
                    if kwargs.get("as_json"):
                        write_json_error(words, exit_code)
                _flush_or_discard_output()
                raise typer.Exit(exit_code) from None

    return wrapped


def _flush_or_discard_output() -> None:
    """Flush stdout now: Python would flush at exit, and print a traceback if the disk is full."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _last_words(error: BaseException) -> tuple[str, int]:
    """The sentence and the exit code; an unexpected error's own words may quote data, so they stay out."""
    if isinstance(error, PathStatsError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing half-done was published.", 130
    if isinstance(error, OSError):
        where = error.filename or "the output, or a file,"
        return f"{where} can't be read or written ({reason_of(error)}).", 1
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"failed on a {type(error).__name__} ({place.name}, line {place.lineno}). Please report it.", 1
