"""Read one release's index; the reader stays on this release when a newer one is published.

Standard library only, so that asking is cheap from any program.
"""

import sqlite3
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from schemas.emails import fold_email
from schemas.enums import DETAILED_STATUSES, STATUSES
from schemas.errors import PathSessionNotFound, ReleaseDamaged, UsageError, UserNotEnrolled, UserNotFound
from schemas.home import Release

_OF_COMPANY = "company_key = (SELECT company_key FROM companies WHERE company_id = ?)"
_SESSION = f"SELECT session_key FROM sessions WHERE {_OF_COMPANY} AND session_id = ?"
_USER_BY_ID = f"SELECT user_key, user_id FROM users WHERE {_OF_COMPANY} AND user_id = ?"
_USER_BY_EMAIL = f"SELECT user_key, user_id FROM emails WHERE {_OF_COMPANY} AND email = ?"
_ANSWER = "SELECT body FROM answers WHERE session_and_user = ?"
_COUNTS = """
    SELECT json_extract(body, '$.status'), json_extract(body, '$.detailedStatus.type'),
      json_extract(body, '$.archivedAt') IS NOT NULL, count(*)
    FROM answers WHERE session_and_user BETWEEN :first AND :first + 4294967295 GROUP BY 1, 2, 3
"""
# So SQLite goes by users_by_key; of an older release, without that index, it reads all users once.
_LEARNERS = """
    SELECT user_id, (SELECT body FROM answers WHERE session_and_user = :first + user_key) FROM users
    WHERE user_key IN (
      SELECT session_and_user - :first FROM answers
      WHERE session_and_user BETWEEN :first AND :first + 4294967295)
"""


@dataclass(frozen=True)
class Found:
    """A learner in a session, and the release that answers.

    body: the endpoint's answer as JSON text.
    """

    release: Path
    company_id: str
    session_id: str
    user_id: str
    body: str


@dataclass(frozen=True)
class Counts:
    """A session's learners, counted as in `session_summary`.

    enrolled:          the sum of either set of counts.
    archived:          learners with an archived current enrollment, counted nowhere else.
    statuses:          by R10, every status there is.
    detailed_statuses: by R11, every detailed status there is.
    """

    enrolled: int
    archived: int
    statuses: dict[str, int]
    detailed_statuses: dict[str, int]


class IndexReader:
    """A reader of one release, which works also after its folder is deleted.

    May be shared between threads.
    Raises: ReleaseDamaged, here and wherever it is asked, if its index can't be read.
    """

    def __init__(self, release: Release) -> None:
        self.release = release
        self._index = self._connected()
        # SQLite serves a connection's questions one by one: a long one must not delay a look-up.
        self._long_questions = self._connected()

    def companies(self, limit: int = -1) -> list[str]:
        """The companies in the release, by id."""
        sql = "SELECT company_id FROM companies ORDER BY company_id LIMIT ?"
        with self._readable():
            return [company_id for (company_id,) in self._index.execute(sql, (limit,))]

    def only_company(self) -> str:
        """The company that is meant where none is named.

        Raises: UsageError if there isn't exactly one.
        """
        companies = self.companies(limit=2)
        if len(companies) != 1:
            found = "several companies" if companies else "no company"
            raise UsageError(f"This release has {found}; choose one with company_id (--company).")
        return companies[0]

    def find(self, company_id: str, session_id: str, user_email_or_id: str) -> Found:
        """Find the session, the user and the enrollment, in this order.

        Raises: PathSessionNotFound, UserNotFound, UserNotEnrolled.
        """
        with self._readable():
            session_key = self._session_key(company_id, session_id)
            user = self._first_row(_USER_BY_ID, company_id, user_email_or_id) or self._first_row(
                _USER_BY_EMAIL, company_id, fold_email(user_email_or_id)
            )
            if user is None:
                raise UserNotFound
            answer = self._first_row(_ANSWER, (session_key << 32) + user[0])
            if answer is None:
                raise UserNotEnrolled
        return Found(self.release.folder, company_id, session_id, user[1], answer[0])

    def check_session(self, company_id: str, session_id: str) -> None:
        """Raises: PathSessionNotFound if the company has no such session."""
        with self._readable():
            self._session_key(company_id, session_id)

    def counts(self, company_id: str, session_id: str) -> Counts:
        """Counts of the session's learners by status. About 2 µs a learner.

        Raises: PathSessionNotFound.
        """
        statuses, detailed, archived = Counter[str](), Counter[str](), 0
        with self._readable():
            first = self._session_key(company_id, session_id) << 32
            for status, kind, is_archived, learners in self._long_questions.execute(
                _COUNTS, {"first": first}
            ):
                if is_archived:
                    archived += learners
                else:
                    statuses[status] += learners
                    detailed[kind] += learners
        return Counts(
            statuses.total(),
            archived,
            {status: statuses[status] for status in STATUSES},
            {kind: detailed[kind] for kind in DETAILED_STATUSES},
        )

    def learners(self, company_id: str, session_id: str) -> Iterator[tuple[str, str]]:
        """The session's learners, archived ones too: user id and body, in an order that the release keeps.

        Raises: PathSessionNotFound, with the first one.
        """
        with self._readable():
            first = self._session_key(company_id, session_id) << 32
            yield from self._long_questions.execute(_LEARNERS, {"first": first})

    def _session_key(self, company_id: str, session_id: str) -> int:
        found = self._first_row(_SESSION, company_id, session_id)
        if found is None:
            raise PathSessionNotFound
        key: int = found[0]
        return key

    def _first_row(self, sql: str, *parameters: object) -> tuple[Any, ...] | None:
        """The first row, if there is one; None for a text that no index can contain."""
        try:
            row: tuple[Any, ...] | None = self._index.execute(sql, parameters).fetchone()
        except UnicodeEncodeError:
            return None
        return row

    def _connected(self) -> sqlite3.Connection:
        address = f"file:{quote(str(self.release.lookup_index))}?mode=ro&immutable=1"
        with self._readable():
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            # A connection refers to itself: left to the collector, deleted releases would keep their room.
            weakref.finalize(self, connection.close)
            connection.execute("SELECT 1 FROM answers LIMIT 1")
        return connection

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise ReleaseDamaged(
                f"{self.release.lookup_index} can't be read; publish the run again."
            ) from error
