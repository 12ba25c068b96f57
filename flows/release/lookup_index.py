"""Write `lookup.sqlite`, the index of look-ups, readable with Python's standard library alone."""

import shutil
import sqlite3
from types import TracebackType
from typing import Self

import polars as pl

from schemas.emails import fold_email
from schemas.home import Release

# As Python objects rows take ten times the memory.
_ROWS_AT_ONCE = 200_000
# One integer, made of the warehouse's keys, identifies a (session, user) pair.
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
    """The index of a release that is being written.

    base: a release to copy the index from, or None to start with an empty one.
    """

    def __init__(self, release: Release, base: Release | None = None) -> None:
        self._release, self._base = release, base
        self._emails: list[pl.DataFrame] = []

    def __enter__(self) -> Self:
        if self._base:
            shutil.copyfile(self._base.lookup_index, self._release.lookup_index)
        self._connection = sqlite3.connect(
            self._release.lookup_index, isolation_level=None, check_same_thread=False
        )
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 16384; "
            # Otherwise ids and e-mails of removed users stay in the free pages of every later index.
            "PRAGMA secure_delete = ON; BEGIN;" + ("" if self._base else _TABLES)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file; after an error it stays incomplete and is never read."""
        if error is None:
            self._connection.execute("COMMIT")
        self._connection.close()

    def name_sessions(self, sessions: pl.DataFrame) -> None:
        """Replace the sessions: company_id, company_key, session_id, session_key.

        Deletes all users, which are named next, and the responses of removed sessions.
        """
        # Enrollments of a removed session may differ when it returns.
        self._delete_responses(gone=self._session_keys() - set(sessions["session_key"]))
        for table in ("companies", "sessions", "users", "emails"):
            self._connection.execute(f"DELETE FROM {table}")
        # The user of a key, for all learners of a session. Creating it again is faster than maintaining it.
        self._connection.execute("DROP INDEX IF EXISTS users_by_key")
        self._name_companies(sessions)
        names = sessions.select("company_key", "session_id", "session_key")
        self._insert("sessions", names.sort("company_key", "session_id"))

    def name_users(self, users: pl.DataFrame) -> None:
        """Add users: company_id, company_key, user_id, user_key, email, status.

        In the order of the ids: much faster to write.
        """
        self._name_companies(users)
        names = users.select("company_key", "user_id", "user_key")
        self._insert("users", names.sort("company_key", maintain_order=True))
        self._emails += [_folded_emails(part) for part in users.iter_slices(_ROWS_AT_ONCE)]

    def end_naming(self) -> None:
        """Complete the users, after the last call of `name_users`."""
        self._connection.execute("CREATE INDEX users_by_key ON users (user_key)")
        if self._emails:
            self._insert("emails", _one_user_each(pl.concat(self._emails)))
        self._emails.clear()

    def add_responses(self, responses: pl.DataFrame, outdated: pl.DataFrame) -> None:
        """Replace responses: session_key, user_key, body; those with the keys of `outdated` are deleted."""
        if self._base:
            self._connection.executemany(
                "DELETE FROM answers WHERE session_and_user = ?", outdated.select(_NUMBER).iter_rows()
            )
        self._insert("answers", responses.select(_NUMBER, "body").sort("session_and_user"))

    def _name_companies(self, rows: pl.DataFrame) -> None:
        companies = rows.select("company_id", "company_key").unique().sort("company_id")
        self._connection.executemany("INSERT OR IGNORE INTO companies VALUES (?, ?)", companies.iter_rows())

    def _session_keys(self) -> set[int]:
        return {key for (key,) in self._connection.execute("SELECT session_key FROM sessions")}

    def _delete_responses(self, gone: set[int]) -> None:
        self._connection.executemany(
            "DELETE FROM answers WHERE session_and_user BETWEEN ? AND ?",
            ((key << 32, (key << 32) + 2**32 - 1) for key in gone),
        )

    def _insert(self, table: str, rows: pl.DataFrame) -> None:
        places = ", ".join("?" * rows.width)
        for part in rows.iter_slices(_ROWS_AT_ONCE):
            # Columns as lists: several times faster than the rows of a frame.
            values = zip(*(column.to_list() for column in part), strict=True)
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", values)


_NUMBER = (pl.col("session_key").cast(pl.Int64) * 2**32 + pl.col("user_key")).alias("session_and_user")


def _folded_emails(users: pl.DataFrame) -> pl.DataFrame:
    """The folded e-mails of users, each with its user."""
    known = users.drop_nulls("email")
    folded = pl.Series("email", map(fold_email, known["email"].to_list()), dtype=pl.String)
    return (
        known.with_columns(folded)
        .filter(pl.col("email") != "")
        .select(
            "company_key", "email", (pl.col("status") != "deleted").alias("is_active"), "user_key", "user_id"
        )
    )


def _one_user_each(emails: pl.DataFrame) -> pl.DataFrame:
    """The user of each e-mail: one that is not deleted, then the one with the greatest user_id."""
    return (
        emails.sort("company_key", "email", "is_active", "user_id")
        .unique(["company_key", "email"], keep="last", maintain_order=True)
        .drop("is_active")
    )
