"""The look-up (SPEC section 4): what the endpoint answers for one learner in one session.

Standard library only, so that asking is cheap from any program.
"""

import json
import os
import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pathstats import settings
from schemas.emails import fold_email
from schemas.errors import (
    HomeUnreadable,
    NoRelease,
    PathSessionNotFound,
    ReleaseDamaged,
    UsageError,
    UserNotEnrolled,
    UserNotFound,
)
from schemas.home import Release

_OF_COMPANY = "company_key = (SELECT company_key FROM companies WHERE company_id = ?)"
_SESSION = f"SELECT session_key FROM sessions WHERE {_OF_COMPANY} AND session_id = ?"
_USER_BY_ID = f"SELECT user_key, user_id FROM users WHERE {_OF_COMPANY} AND user_id = ?"
_USER_BY_EMAIL = f"SELECT user_key, user_id FROM emails WHERE {_OF_COMPANY} AND email = ?"
_ANSWER = "SELECT body FROM answers WHERE session_and_user = ?"


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


class PathStats:
    """The latest release of a home, opened once and asked many times.

    A release that is published meanwhile answers from the next question on; each question is answered from
    one release. May be shared between threads.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        self._home = settings.home(home)
        self._open: tuple[str, Path, sqlite3.Connection] | None = None

    def lookup(
        self, session_id: str, user_email_or_id: str, *, company_id: str | None = None
    ) -> dict[str, Any]:
        """The endpoint's answer as a dict; its keys and nulls are SPEC section 4's.

        user_email_or_id: an exact id, else an e-mail in any case.
        company_id:       may be left out where the release holds one company only.
        Raises: PathSessionNotFound, UserNotFound, UserNotEnrolled, each with `status_code` and `body`;
                NoRelease, HomeUnreadable, ReleaseDamaged.
        """
        answer: dict[str, Any] = json.loads(self.body(session_id, user_email_or_id, company_id=company_id))
        return answer

    def body(self, session_id: str, user_email_or_id: str, *, company_id: str | None = None) -> str:
        """The same answer as JSON text."""
        return self.find(session_id, user_email_or_id, company_id=company_id).body

    def find(self, session_id: str, user_email_or_id: str, *, company_id: str | None = None) -> Found:
        """The same answer with the ids it was found by, for whoever wants to read on in the release."""
        release, index = self._latest_index()
        try:
            company = self._only_company(index) if company_id is None else company_id
            user_id, body = _answer(index, company, session_id, user_email_or_id)
        except sqlite3.Error as error:
            raise _damaged(Release(release)) from error
        return Found(release, company, session_id, user_id, body)

    def _latest_index(self) -> tuple[Path, sqlite3.Connection]:
        latest = self._latest()
        while self._open is None or self._open[0] != latest:
            release = self._home.published / latest
            try:
                self._open = (latest, release, _connect(Release(release)))
            except ReleaseDamaged:
                # It may have been replaced, and deleted, since its name was read.
                asked, latest = latest, self._latest()
                if asked == latest:
                    raise
        return self._open[1:]

    def _latest(self) -> str:
        try:
            return os.readlink(self._home.latest)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoRelease(self._home.root) from error
        except OSError as error:
            raise HomeUnreadable(
                f"{self._home.latest} can't be read ({error.strerror}); it must be a link to a release "
                "that this user may read."
            ) from error

    @staticmethod
    def _only_company(index: sqlite3.Connection) -> str:
        companies = index.execute("SELECT company_id FROM companies LIMIT 2").fetchall()
        if len(companies) != 1:
            raise UsageError(
                "This release holds several companies; say which one with company_id (--company)."
            )
        return str(companies[0][0])


def lookup(
    session_id: str,
    user_email_or_id: str,
    *,
    company_id: str | None = None,
    home: str | Path | None = None,
) -> dict[str, Any]:
    """The endpoint's answer for one learner in one session, from the latest release of the home.

    Shape, nulls and errors: see `PathStats.lookup`; homes stay open between calls.
    """
    return _opened(str(settings.home(home).root)).lookup(session_id, user_email_or_id, company_id=company_id)


@cache
def _opened(home: str) -> PathStats:
    return PathStats(home)


def _connect(release: Release) -> sqlite3.Connection:
    address = f"file:{quote(str(release.lookup_index))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        connection.execute("SELECT 1 FROM answers LIMIT 1")
    except sqlite3.Error as error:
        raise _damaged(release) from error
    return connection


def _damaged(release: Release) -> ReleaseDamaged:
    return ReleaseDamaged(f"{release.lookup_index} can't be read; publish the night again.")


def _answer(
    index: sqlite3.Connection, company_id: str, session_id: str, user_email_or_id: str
) -> tuple[str, str]:
    """The learner's id and the body; SPEC section 4, 1 to 3."""
    session = _first_row(index, _SESSION, company_id, session_id)
    if session is None:
        raise PathSessionNotFound
    user = _first_row(index, _USER_BY_ID, company_id, user_email_or_id) or _first_row(
        index, _USER_BY_EMAIL, company_id, fold_email(user_email_or_id)
    )
    if user is None:
        raise UserNotFound
    answer = _first_row(index, _ANSWER, (session[0] << 32) + user[0])
    if answer is None:
        raise UserNotEnrolled
    return user[1], answer[0]


def _first_row(index: sqlite3.Connection, sql: str, *parameters: object) -> tuple[Any, ...] | None:
    """The first row, if there is one; a text that no index can hold has none."""
    try:
        row: tuple[Any, ...] | None = index.execute(sql, parameters).fetchone()
    except UnicodeEncodeError:
        return None
    return row
