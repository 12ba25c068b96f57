"""Let Ctrl-C interrupt a running DuckDB statement."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import duckdb

Answer = TypeVar("Answer")

# The longest delay of a Ctrl-C: a signal that another thread receives does not end this one's waiting.
_PATIENCE_S = 0.1


def interruptibly(
    connection: duckdb.DuckDBPyConnection, executor: Executor, work: Callable[[], Answer]
) -> Answer:
    """The result of the work, which runs in a thread; Ctrl-C ends it with a KeyboardInterrupt here.

    DuckDB's own reaction to Ctrl-C is a RuntimeError that leaves the statement running: the next one, if only
    a ROLLBACK, then first works the old one off, for as long as that takes.
    """
    working: Future[Answer] = Future()
    # Waiting for the future itself, with a timeout, takes longer than most statements.
    done: SimpleQueue[Future[Answer]] = SimpleQueue()
    working.add_done_callback(done.put)
    try:
        # Ctrl-C may come before this returns, with the work begun or not.
        executor.submit(_fulfil, working, work)
        while not _is_told(done):
            pass
    finally:
        # Repeatedly: an interrupt that comes before the statement starts is lost.
        while not working.done() and not working.cancel():
            connection.interrupt()
            _is_told(done)
    return working.result()


def _fulfil(working: Future[Answer], work: Callable[[], Answer]) -> None:
    if working.set_running_or_notify_cancel():
        try:
            working.set_result(work())
        except BaseException as error:
            working.set_exception(error)


def _is_told(done: "SimpleQueue[Future[Answer]]") -> bool:
    """Whether the work is done, after a short wait at most."""
    with suppress(Empty):
        done.get(timeout=_PATIENCE_S)
        return True
    return False
