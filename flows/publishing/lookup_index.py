"""`lookup.sqlite`: what a look-up answers from, readable with Python's standard library alone."""

import sqlite3
from collections.abc import Iterable

import polars as pl

from schemas.emails import fold_email
from schemas.home import Release

# One integer names a (session, user) pair; sessions and users are numbered within the release.
_TABLES = """
    CREATE TABLE companies (company_id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE sessions (
      company_id TEXT, session_id TEXT, session_key INTEGER,
      PRIMARY KEY (company_id, session_id)) WITHOUT ROWID;
    CREATE TABLE users (
      company_id TEXT, user_id TEXT, user_key INTEGER, PRIMARY KEY (company_id, user_id)) WITHOUT ROWID;
    CREATE TABLE emails (
      company_id TEXT, email TEXT, user_key INTEGER, user_id TEXT,
      PRIMARY KEY (company_id, email)) WITHOUT ROWID;
    CREATE TABLE answers (session_and_user INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


def build(release: Release, sessions: pl.DataFrame, users: pl.DataFrame, answers: pl.DataFrame) -> None:
    """Write the index.

    sessions: company_id, session_id, session_key
    users:    company_id, user_id, user_key, email, status; a greater key is a greater id
    answers:  session_key, user_key, body of the enrolment that answers for each pair
    """
    numbered = answers.select(
        session_and_user=pl.col("session_key").cast(pl.Int64) * 2**32 + pl.col("user_key"), body="body"
    )
    connection = sqlite3.connect(release.lookup_index, isolation_level=None)
    try:
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 4096;"
        )
        connection.executescript(_TABLES + "BEGIN;")
        companies = pl.concat([sessions["company_id"], users["company_id"]]).unique().sort()
        _insert(connection, "companies", 1, ((company,) for company in companies))
        _insert(connection, "sessions", 3, sessions.iter_rows())
        _insert(connection, "users", 3, users.select("company_id", "user_id", "user_key").iter_rows())
        _insert(connection, "emails", 4, _emails(users).iter_rows())
        _insert(connection, "answers", 2, numbered.sort("session_and_user").iter_rows())
        connection.execute("COMMIT")
    finally:
        connection.close()


def _insert(
    connection: sqlite3.Connection, table: str, width: int, rows: Iterable[tuple[object, ...]]
) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)


def _emails(users: pl.DataFrame) -> pl.DataFrame:
    """Who answers to each e-mail: one that is not deleted, then the greatest user_id (SPEC section 4)."""
    known = users.drop_nulls("email")
    folded = pl.Series("email", [fold_email(email) for email in known["email"]], dtype=pl.String)
    return (
        known.with_columns(folded)
        .filter(pl.col("email") != "")
        .sort("company_id", "email", pl.col("status") != "deleted", "user_key")
        .unique(["company_id", "email"], keep="last", maintain_order=True)
        .select("company_id", "email", "user_key", "user_id")
    )
