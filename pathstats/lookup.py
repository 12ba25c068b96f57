"""The look-up: the endpoint's response for one learner in one session.

Standard library only, so that asking is cheap from any program.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from pathstats.index_reader import Found, IndexReader
from schemas.errors import HomeUnreadable, NoRelease, ReleaseDamaged
from schemas.home import Release, home_at


class PathStats:
    """The latest release of a home, opened once and asked many times.

    A newly published release is used from the next look-up on; each look-up is answered from
    one release. May be shared between threads.
    """

    def __init__(self, home: str | Path | None = None) -> None:
        self._home = home_at(home)
        self._link = str(self._home.latest)
        self._open: tuple[tuple[str, int], IndexReader] | None = None

    def lookup(
        self, session_id: str, user_email_or_id: str, *, company_id: str | None = None
    ) -> dict[str, Any]:
        """The endpoint's answer as a dict; with the endpoint's keys and nulls.

        user_email_or_id: an exact id, else an e-mail in any case.
        company_id:       optional if the release has only one company.
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
        release = self.latest()
        return release.find(
            release.only_company() if company_id is None else company_id, session_id, user_email_or_id
        )

    def latest(self) -> IndexReader:
        """The latest release, opened: for several questions that one release must answer.

        Raises: NoRelease, HomeUnreadable, ReleaseDamaged.
        """
        latest = self._latest()
        while self._open is None or self._open[0] != latest:
            try:
                self._open = (latest, IndexReader(Release(self._home.published / latest[0])))
            except ReleaseDamaged:
                # It may have been replaced, and deleted, since its name was read.
                asked, latest = latest, self._latest()
                if asked == latest:
                    raise
        return self._open[1]

    def _latest(self) -> tuple[str, int]:
        """The target of the link and its time: in a recreated home an id names another release."""
        try:
            return os.readlink(self._link), os.lstat(self._link).st_mtime_ns
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoRelease(self._home.root) from error
        except OSError as error:
            raise HomeUnreadable(
                f"{self._link} can't be read ({error.strerror}); it must be a link to a release "
                "that this user may read."
            ) from error


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
    return _opened(str(home_at(home).root)).lookup(session_id, user_email_or_id, company_id=company_id)


@cache
def _opened(home: str) -> PathStats:
    return PathStats(home)
