"""The tree of the product's errors.

PathStatsError
├── UsageError            the command or its arguments are wrong               exit 2
├── SourceError           the source or its data can't be read                 exit 3
│   ├── MissingScope      the API client lacks the scope to read a list
│   ├── NoSuchList        the API has no such list, or no such page of it
│   └── SourceUnavailable the source may respond later: retry
│       ├── Unreachable   the API can't be reached, or drops the connection
│       └── RateLimited   the API limits requests; may state how long to wait
├── NoRelease             the home contains no release yet                     exit 4
├── UnknownName           a release, table, session or company is unknown      exit 4
├── NotFound              not in the release; has a response body              exit 4, HTTP 404
│   ├── PathSessionNotFound, UserNotFound, UserNotEnrolled: of a look-up
│   └── ReportNotFound    of a report page, over HTTP
│       └── ReleaseTooOld the release's tables lack columns that pages need
├── Unauthorized          over HTTP, without a key to the company              HTTP 401
├── RunBlocked            a quality threshold or the schema gate blocked a run exit 5
├── Stale                 the latest release is older than allowed             exit 6
└── RunFailed             the run failed on our side                           exit 1
    ├── HomeBusy          another command is changing the same home
    ├── HomeUnwritable    the home can't be written
    ├── HomeUnreadable    the home can't be read
    ├── FileUnwritable    a file outside the home can't be written
    ├── ReleaseDamaged    a published file is missing or was changed           exit 7
    └── WarehouseDamaged  the warehouse's file can't be read

A message is one clear sentence and includes the remedy; it never contains an e-mail, a name or a key.
"""

import os
import re
import shlex
from typing import ClassVar

# The exit codes of commands, for their help and docs/operations.md.
EXIT_CODES = {
    0: "done",
    1: "failed on our side, or on this machine",
    2: "wrong usage",
    3: "the source or its data",
    4: "not found: a learner, session, release, table or key",
    5: "a quality threshold or the schema gate blocked the run",
    6: "the latest release is older than `status --max-age` allows",
    7: "a published file is missing or damaged",
    130: "interrupted",
}


def may_help_later(http_status: int) -> bool:
    """Whether the same request may succeed later: this alone separates transient from permanent errors.

    >>> [may_help_later(status) for status in (200, 403, 408, 429, 503)]
    [False, False, True, True, True]
    """
    return http_status in (408, 429) or http_status >= 500


def reason_of(error: OSError) -> str:
    """The operating system's reason for an error; polars has it only as a number in its message.

    >>> reason_of(OSError(28, "No space left on device")), reason_of(OSError("denied (os error 13)"))
    ('No space left on device', 'Permission denied')
    """
    found = re.search(r"\(os error (\d+)\)", str(error))
    return error.strerror or (os.strerror(int(found[1])) if found else type(error).__name__)


class PathStatsError(Exception):
    """Base class of the product's errors; `exit_code` is the exit code of a command."""

    exit_code: ClassVar[int] = 1


class UsageError(PathStatsError):
    """The command or its arguments are wrong."""

    exit_code = 2


class NoRelease(PathStatsError):
    """The home contains no release."""

    exit_code = 4

    def __init__(self, home: object) -> None:
        place = shlex.quote(str(home))
        super().__init__(
            f"{home} contains no release yet; create one with `pathstats run --source … --home {place}`, or "
            f"one with demo data in {home}/demo with `pathstats demo --home {place}`."
        )


class UnknownName(PathStatsError):
    """The release, table, session, company or key is unknown."""

    exit_code = 4


class SourceError(PathStatsError):
    """The source or its data can't be read; the message names file, table, column and row."""

    exit_code = 3


class SourceUnavailable(SourceError):
    """The source does not respond now but may later (408, 429, 5xx, a lost connection).

    cause: a clause about the source, for the message that announces a retry.
    """

    def __init__(self, sentence: str, cause: str = "does not answer") -> None:
        super().__init__(sentence)
        self.cause = cause


class MissingScope(SourceError):
    """The API client lacks the scope to read a list."""


class NoSuchList(SourceError):
    """The API has no such list, or no such page of it (any more).

    is_named: whether the response names the missing object; otherwise the URL may be wrong.
    status:   the HTTP status of the response.
    """

    def __init__(self, sentence: str, *, is_named: bool = False, status: int = 404) -> None:
        super().__init__(sentence)
        self.is_named = is_named
        self.status = status


class Unreachable(SourceUnavailable):
    """The API can't be reached, or the connection was dropped."""


class RateLimited(SourceUnavailable):
    """The API limits requests. pause_s: how long it asks to wait; None if it does not say."""

    def __init__(self, sentence: str, pause_s: float | None = None, cause: str = "is busy") -> None:
        super().__init__(sentence, cause)
        self.pause_s = pause_s


class NotFound(PathStatsError):
    """The endpoint's 404, with the `status_code` and `body` of its response."""

    exit_code = 4
    status_code: ClassVar[int] = 404
    code: ClassVar[str] = "not_found"

    def __init__(self) -> None:
        super().__init__(self.code)

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.code}


class PathSessionNotFound(NotFound):
    """The company has no such session."""

    code = "path_session_not_found"


class UserNotFound(NotFound):
    """The company has no such user."""

    code = "user_not_found"


class UserNotEnrolled(NotFound):
    """The user was never enrolled in the session."""

    code = "user_not_enrolled"


class ReportNotFound(NotFound):
    """The release has no such page: it predates reports, or has no such company."""

    code = "report_not_found"


class ReleaseTooOld(ReportNotFound):
    """The release was published by an earlier version and lacks columns that pages need now."""

    def __init__(self, release_id: str, schema_version: str) -> None:
        Exception.__init__(
            self,
            f"Release {release_id} has schema version {schema_version}, too old for pages and "
            "explanations: run again with `pathstats run`, or open the report.html in the release.",
        )


class Unauthorized(PathStatsError):
    """The request has no valid key to the company: it is missing, wrong, revoked, or another company's.

    asks_for_login: whether the response makes a browser ask for credentials.
    """

    status_code: ClassVar[int] = 401
    body: ClassVar[dict[str, str]] = {"error": "unauthorized"}

    def __init__(self, *, asks_for_login: bool = False) -> None:
        super().__init__("unauthorized")
        self.asks_for_login = asks_for_login


class RunBlocked(PathStatsError):
    """A quality threshold or the schema gate blocked the run; the live release is unchanged."""

    exit_code = 5


class Stale(PathStatsError):
    """The live release is missing, or older than allowed."""

    exit_code = 6


class RunFailed(PathStatsError):
    """The run failed on our side; the live release is unchanged."""


class HomeBusy(RunFailed):
    """Another command is changing the same home: a run, an extraction or a change of keys."""


class HomeUnwritable(RunFailed):
    """The home can't be written."""


class HomeUnreadable(RunFailed):
    """The home can't be read; whether it contains a release is unknown."""


class FileUnwritable(RunFailed):
    """A file that a command was asked to write can't be written."""

    def __init__(self, file: object, reason: str) -> None:
        super().__init__(f"{file} can't be written ({reason}); make room there or name another file.")


class ReleaseDamaged(RunFailed):
    """A published file is missing or was changed after it was published."""

    exit_code = 7


class WarehouseDamaged(RunFailed):
    """The warehouse's file can't be read; a run with a source builds a new one."""
