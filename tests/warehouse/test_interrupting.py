"""Ctrl-C while DuckDB works is Ctrl-C, at once, and leaves nothing working.

Each try is a process of its own that is killed if it does not end: a lost Ctrl-C leaves an endless statement.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60

ENDLESS = "FROM range(10_000_000) AS a, range(10_000_000) AS b"
SUM = f"SELECT sum(sqrt(a.range * b.range)) {ENDLESS}"
NO_ROW_EVER = f"SELECT a.range {ENDLESS} WHERE a.range * b.range < -1"

PROGRAM = """
import os, signal, threading
from flows.database.connection import Connection

with Connection() as connection:
    connection.execute("CREATE TABLE t (n INT)")
    try:
        with connection.transaction():
            connection.execute("INSERT INTO t VALUES (1)")
            threading.Timer({after_s}, os.kill, (os.getpid(), signal.SIGINT)).start()
            connection.{ask}({sql!r})
            print("not interrupted")
    except KeyboardInterrupt:
        print("interrupted", connection.value("SELECT count(*) FROM t"))
"""


def interrupted(ask: str, sql: str, after_s: float = 0.5) -> str:
    """The output of a program that is interrupted in a transaction, then counts the transaction's rows."""
    return said_by(PROGRAM.format(ask=ask, sql=sql, after_s=after_s))


def said_by(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize("sql", [SUM, NO_ROW_EVER], ids=["one row at the end", "no row ever"])
@pytest.mark.parametrize("ask", ["execute", "rows", "frame"])
def test_ctrl_c_ends_a_statement_and_its_transaction(ask: str, sql: str) -> None:
    assert interrupted(ask, sql if ask != "execute" else f"CREATE TABLE u AS {sql}") == "interrupted 0"


def test_ctrl_c_before_the_statement_has_begun() -> None:
    assert interrupted("rows", SUM, after_s=0) == "interrupted 0"


HANDED_OVER = """
from concurrent.futures import ThreadPoolExecutor
import time
import duckdb
from flows.database.interruptible import interruptibly

class Interrupted(ThreadPoolExecutor):
    def submit(self, *work):
        if {begins}:
            super().submit(*work)
            time.sleep(0.5)
        raise KeyboardInterrupt

connection = duckdb.connect()
try:
    with Interrupted(max_workers=1) as worker:
        interruptibly(connection, worker, lambda: connection.execute({sql!r}).fetchall())
except KeyboardInterrupt:
    print("interrupted", connection.execute("SELECT 1").fetchall())
"""


@pytest.mark.parametrize("begins", [True, False])
def test_ctrl_c_while_the_statement_is_handed_over(begins: bool) -> None:
    """The thread that works may have begun before the one that waits knows that it has."""
    assert said_by(HANDED_OVER.format(begins=begins, sql=SUM)) == "interrupted [(1,)]"
