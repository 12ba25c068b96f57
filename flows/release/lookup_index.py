"""Write `lookup.sqlite`, the index of look-ups, readable with Python's standard library alone."""

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from types import TracebackType
from typing import Any, Self

import polars as pl

from schemas.emails import fold_email
from schemas.home import Release

# As Python objects rows take ten times the memory.
_ROWS_AT_ONCE = 200_000
# Python's lock goes to the other threads and back at each statement: with one for each row the rules waited
# for the index, and it for them. With more rows than these a statement no longer fits the processor's caches.
_ROWS_IN_A_STATEMENT = 1_000
# How much work may wait for the thread.
_WAITING = 3
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
    """The index of a release that is being written, filled in a thread while parquet is written.

    base: a release to copy the index from, or None to start with an empty one.
    """

    def __init__(self, release: Release, base: Release | None = None) -> None:
        self._release, self._base = release, base
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._work: list[Future[None]] = []
        self._emails: list[pl.DataFrame] = []

    def __enter__(self) -> Self:
        self._do(self._open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for work in self._work:
                work.cancel()
        self._work.append(self._thread.submit(self._close))
        self._thread.shutdown()
        if error is None:
            for work in self._work:
                work.result()

    def name_sessions(self, sessions: pl.DataFrame) -> None:
        """All sessions that can be asked about: company_id, company_key, session_id, session_key.

        Who can be asked about is forgotten, and named next.
        """
        self._do(self._name_sessions, sessions)

    def name_users(self, users: pl.DataFrame) -> None:
        """Some who can be asked about: company_id, company_key, user_id, user_key, email, status.

        In the order of the ids: much faster to write.
        """
        self._do(self._name_users, users)

    def end_naming(self) -> None:
        """All users are named."""
        self._do(self._end_naming)

    def answer(self, answers: pl.DataFrame, outdated: pl.DataFrame) -> None:
        """Replace answers: session_key, user_key, body; the ones of `outdated`, by key, are deleted first."""
        self._do(self._answer, answers, outdated)

    def _do(self, work: Callable[..., None], *arguments: Any) -> None:
        self._work.append(self._thread.submit(work, *arguments))
        # Queued work is kept in memory.
        while len(self._work) > _WAITING:
            self._work.pop(0).result()

    def _open(self) -> None:
        if self._base:
            shutil.copyfile(self._base.lookup_index, self._release.lookup_index)
        self._connection = sqlite3.connect(self._release.lookup_index, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 16384; "
            # Otherwise ids and e-mails of removed users stay in the free pages of every later index.
            "PRAGMA secure_delete = ON; BEGIN;" + ("" if self._base else _TABLES)
        )

    def _close(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.close()

    def _name_sessions(self, sessions: pl.DataFrame) -> None:
        # Enrollments of a removed session may differ when it returns.
        self._forget_answers(gone=self._session_keys() - set(sessions["session_key"]))
        for table in ("companies", "sessions", "users", "emails"):
            self._connection.execute(f"DELETE FROM {table}")
        # The user of a key, for all learners of a session. Creating it again is faster than maintaining it.
        self._connection.execute("DROP INDEX IF EXISTS users_by_key")
        self._name_companies(sessions)
        names = sessions.select("company_key", "session_id", "session_key")
        self._insert("sessions", names.sort("company_key", "session_id"))

    def _name_users(self, users: pl.DataFrame) -> None:
        self._name_companies(users)
        names = users.select("company_key", "user_id", "user_key")
        self._insert("users", names.sort("company_key", maintain_order=True))
        self._emails += [_emails(part) for part in users.iter_slices(_ROWS_AT_ONCE)]

    def _end_naming(self) -> None:
        self._connection.execute("CREATE INDEX users_by_key ON users (user_key)")
        if self._emails:
            self._insert("emails", _who_answers(pl.concat(self._emails)))
        self._emails.clear()

    def _name_companies(self, rows: pl.DataFrame) -> None:
        companies = rows.select("company_id", "company_key").unique().sort("company_id")
        self._connection.executemany("INSERT OR IGNORE INTO companies VALUES (?, ?)", companies.iter_rows())

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
        places = f"({', '.join('?' * rows.width)})"
        for part in rows.iter_slices(_ROWS_IN_A_STATEMENT):
            # Columns as lists: several times faster than rows of a frame.
            values = zip(*(column.to_list() for column in part), strict=True)
            self._connection.execute(
                f"INSERT INTO {table} VALUES {', '.join([places] * part.height)}", [*chain(*values)]
            )


_NUMBER = (pl.col("session_key").cast(pl.Int64) * 2**32 + pl.col("user_key")).alias("session_and_user")


def _emails(users: pl.DataFrame) -> pl.DataFrame:
    """The folded e-mails of users, each with its user."""
    known = users.drop_nulls("email")
    folded = pl.Series("email", map(fold_email, known["email"].to_list()), dtype=pl.String)
    return (
        known.with_columns(folded)
        .filter(pl.col("email") != "")
        .select(
            "company_key", "email", (pl.col("status") != "deleted").alias("is_there"), "user_key", "user_id"
        )
    )


def _who_answers(emails: pl.DataFrame) -> pl.DataFrame:
    """Who answers to each e-mail: one that is not deleted, then the greatest user_id ."""
    return (
        emails.sort("company_key", "email", "is_there", "user_id")
        .unique(["company_key", "email"], keep="last", maintain_order=True)
        .drop("is_there")
    )
