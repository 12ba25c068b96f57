"""Named SQL steps: SQL text with the name that logs and errors show."""

import logging
import sys
import time
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

log = logging.getLogger("pathstats.sql")
Result = TypeVar("Result", bound=Sized | int)


class Step(str):
    """SQL text with a name: in a few words, what the statement does.

    >>> step = Step("SELECT 1", name="count nothing")
    >>> step, step.name
    ('SELECT 1', 'count nothing')
    """

    name: str

    def __new__(cls, sql: str, *, name: str) -> Self:
        step = super().__new__(cls, sql)
        step.name = name
        return step


def name_of(sql: str) -> str:
    """The step's name; of plain text, the function that executes it: `load._read`."""
    if isinstance(sql, Step):
        return sql.name
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(str(Path(__file__).parent)):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"


def logged(name: str, work: Callable[[], Result]) -> Result:
    """Execute a step: log its seconds and rows at debug level, and add its name to DuckDB's errors.

    work: returns the rows, or their number.
    """
    start = time.perf_counter()
    try:
        result = work()
    except duckdb.Error as error:
        error.add_note(f"SQL step: {name}")
        raise
    rows = len(result) if isinstance(result, Sized) else result
    log.debug("%s: %.3f s, %s rows", name, time.perf_counter() - start, f"{rows:,}")
    return result


def failed_step(error: BaseException) -> str | None:
    """The name of the step that an error of DuckDB's came from, also if it is the cause of this error."""
    at: Any = error
    while at is not None:
        for note in getattr(at, "__notes__", ()):
            if note.startswith("SQL step: "):
                return str(note.removeprefix("SQL step: "))
        at = at.__cause__
    return None
