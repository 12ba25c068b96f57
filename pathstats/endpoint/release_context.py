"""Pin one release per request, and describe it in the response headers."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from typing import TypeVar

from starlette.requests import Request

from pathstats.index_reader import IndexReader
from pathstats.lookup import PathStats
from schemas.errors import ReleaseDamaged
from schemas.home import Home
from schemas.manifest import Manifest

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Pinned:
    """A release that answers one request, whole.

    etag:          of the release, so of every answer from it: its id, and a hash that differs for
                   another release of that id in a recreated home.
    last_modified: when it was made, to the second.
    answers_since: when it became live: later after a rollback to it.
    """

    open: IndexReader
    release_id: str
    as_of: datetime
    etag: str
    last_modified: datetime
    answers_since: datetime

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers of every response from the release. Clients may cache it and revalidate."""
        return {
            "ETag": self.etag,
            "Last-Modified": format_datetime(self.last_modified, usegmt=True),
            "Consistent-Through": iso(self.as_of),
            "Cache-Control": "private, no-cache",
            "Vary": "X-company-id, X-apiKey, Authorization",
        }

    @property
    def headers_of_what_is_made(self) -> dict[str, str]:
        """Headers of a response rendered for this request: another server may render another one."""
        return {name: text for name, text in self.headers.items() if name not in ("ETag", "Last-Modified")}

    def is_known_to(self, request: Request) -> bool:
        """Whether the request names this release as the client's cached one: then it is a 304."""
        tags = request.headers.getlist("if-none-match")
        if tags:
            known = {tag.strip().removeprefix("W/") for line in tags for tag in line.split(",")}
            return bool(known & {self.etag, "*"})
        asked = request.headers.get("if-modified-since")
        if asked is None:
            return False
        try:
            since = parsedate_to_datetime(asked).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return False
        # After a rollback the release is older than what was answered before.
        return since == self.last_modified or since > self.answers_since


class Releases:
    """The latest release of a home, as requests need it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stats = PathStats(home.root)
        self._pinned: Pinned | None = None

    def pin(self) -> Pinned:
        """The latest release.

        Raises: NoRelease, HomeUnreadable, ReleaseDamaged.
        """
        release = self._stats.latest()
        while self._pinned is None or self._pinned.open is not release:
            try:
                self._pinned = _pinned(release, self._home)
            except ReleaseDamaged:
                # It may have been replaced, and deleted, since its index was opened.
                asked, release = release, self._stats.latest()
                if asked is release:
                    raise
        return self._pinned

    def read_in(self, pinned: Pinned, read: Callable[[Pinned], Answer]) -> tuple[Pinned, Answer]:
        """Read from the release's folder; if it is deleted in the meantime, from the next release."""
        while True:
            try:
                return pinned, read(pinned)
            except Exception:
                asked, pinned = pinned, self.pin()
                if asked is pinned or asked.open.release.folder.is_dir():
                    raise


def _pinned(release: IndexReader, home: Home) -> Pinned:
    try:
        answers_since = datetime.fromtimestamp(os.lstat(home.latest).st_mtime, UTC)
        file = release.release.manifest
        manifest, digest = Manifest.read(file), hashlib.sha256(file.read_bytes()).hexdigest()
        return Pinned(
            release,
            manifest.release_id,
            datetime.fromisoformat(manifest.as_of).astimezone(UTC),
            f'"{manifest.release_id}.{digest[:12]}"',
            datetime.fromisoformat(manifest.created_at).astimezone(UTC).replace(microsecond=0),
            answers_since,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReleaseDamaged(
            f"{release.release.manifest} can't be read; `pathstats rollback` switches to another release, "
            "a new run publishes one."
        ) from error


def iso(moment: datetime) -> str:
    """As the endpoint writes times: UTC, milliseconds, cut.

    >>> iso(datetime(2026, 3, 10, 2, 0, 0, 999_999, tzinfo=UTC))
    '2026-03-10T02:00:00.999Z'
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
