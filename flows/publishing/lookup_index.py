"""`lookup.sqlite`: what a look-up answers from, readable with Python's standard library alone."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import polars as pl

from schemas.emails import fold_email
from schemas.home import Release

# As Python objects rows take ten times the memory.
_ROWS_AT_ONCE = 200_000
# One integer names a (session, user) pair, from the warehouse's keys.
_TABLES = """
    CREATE TABLE companies (company_id TEXT PRIMARY KEY, company_key INTEGER) WITHOUT ROWID;
    CREATE TABLE sessions (
      company_key INTEGER, session_id TEXT, session_key INTEGER,
      PRIMARY KEY (company_key, session_id)) WITHOUT ROWID;
    CREATE TABLE users (
      company_key INTEGER, user_id TEXT, user_key INTEGER, PRIMARY KEY (company_key, user_id)) WITHOUT ROWID;
    CREATE TABLE emails (
      company_key INTEGER, email TEXT, user_key INTEGER, user_id TEXT,
      PRIMARY KEY (company_key, email)) WITHOUT ROWID;
    CREATE TABLE answers (session_and_user INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


class LookupIndex:
    """The index of a release that is being built: filled in a thread, beside the writing of parquet.

    base: a release whose index is taken over, or None to begin with an empty one.
    """

    def __init__(self, release: Release, base: Release | None = None) -> None:
        self._release, self._base = release, base
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._work: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._do(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for work in self._work:
                work.cancel()
        self._do(self._close)
        self._thread.shutdown()
        if error is None:
            self._raise()

    def name(self, sessions: pl.DataFrame, users: pl.DataFrame) -> None:
        """Who and what can be asked about, all of it.

        sessions: company_id, company_key, session_id, session_key
        users:    company_id, company_key, user_id, user_key, email, status
        """
        self._do(self._name, sessions, users)

    def answer(self, answers: pl.DataFrame, outdated: pl.DataFrame) -> None:
        """Replace answers: session_key, user_key, body; first those of `outdated`, by the keys, are gone."""
        self._do(self._answer, answers, outdated)
        self._raise()

    def _do(self, work: Callable[..., None], *arguments: Any) -> None:
        self._work.append(self._thread.submit(work, *arguments))

    def _raise(self) -> None:
        """Raise what the finished work raised."""
        for work in [work for work in self._work if work.done()]:
            self._work.remove(work)
            work.result()

    def _open(self) -> None:
        if self._base:
            shutil.copyfile(self._base.lookup_index, self._release.lookup_index)
        self._connection = sqlite3.connect(self._release.lookup_index, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 4096; BEGIN;"
            + ("" if self._base else _TABLES)
        )

    def _close(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.close()

    def _name(self, sessions: pl.DataFrame, users: pl.DataFrame) -> None:
        # Who was enrolled in a session that is no more may not be by the time it is back.
        self._forget_answers(gone=self._session_keys() - set(sessions["session_key"]))
        for table in ("companies", "sessions", "users", "emails"):
            self._connection.execute(f"DELETE FROM {table}")
        companies = pl.concat([frame.select("company_id", "company_key") for frame in (sessions, users)])
        self._insert("companies", companies.unique().sort("company_id"))
        self._insert("sessions", _sorted(sessions, "session_id", "session_key"))
        # Who a key is of: for all learners of a session. Made anew, for that is faster than keeping it.
        self._connection.execute("DROP INDEX IF EXISTS users_by_key")
        self._insert("users", _sorted(users, "user_id", "user_key"))
        self._connection.execute("CREATE INDEX users_by_key ON users (user_key)")
        self._insert("emails", _emails(users))

    def _session_keys(self) -> set[int]:
        return {key for (key,) in self._connection.execute("SELECT session_key FROM sessions")}

    def _forget_answers(self, gone: set[int]) -> None:
        self._connection.executemany(
            "DELETE FROM answers WHERE session_and_user BETWEEN ? AND ?",
            ((key << 32, (key << 32) + 2**32 - 1) for key in gone),
        )

    def _answer(self, answers: pl.DataFrame, outdated: pl.DataFrame) -> None:
        if self._base:
            self._connection.executemany(
                "DELETE FROM answers WHERE session_and_user = ?", outdated.select(_NUMBER).iter_rows()
            )
        self._insert("answers", answers.select(_NUMBER, "body").sort("session_and_user"))

    def _insert(self, table: str, rows: pl.DataFrame) -> None:
        places = ", ".join("?" * rows.width)
        for part in rows.iter_slices(_ROWS_AT_ONCE):
            # Columns as lists: several times faster than rows of a frame.
            values: Iterable[tuple[object, ...]] = zip(*(column.to_list() for column in part), strict=True)
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", values)


_NUMBER = (pl.col("session_key").cast(pl.Int64) * 2**32 + pl.col("user_key")).alias("session_and_user")


def _sorted(rows: pl.DataFrame, name: str, key: str) -> pl.DataFrame:
    """In the order in which SQLite keeps them: much faster to write."""
    return rows.select("company_key", name, key).sort("company_key", name)


def _folded(users: pl.DataFrame) -> pl.DataFrame:
    folded = [fold_email(email) for email in users["email"].to_list()]
    return users.with_columns(pl.Series("email", folded, dtype=pl.String))


def _emails(users: pl.DataFrame) -> pl.DataFrame:
    """Who answers to each e-mail: one that is not deleted, then the greatest user_id (SPEC section 4)."""
    known = users.drop_nulls("email")
    return (
        pl.concat([_folded(part) for part in known.iter_slices(_ROWS_AT_ONCE)] or [known])
        .filter(pl.col("email") != "")
        .sort("company_key", "email", pl.col("status") != "deleted", "user_id")
        .unique(["company_key", "email"], keep="last", maintain_order=True)
        .select("company_key", "email", "user_key", "user_id")
    )
