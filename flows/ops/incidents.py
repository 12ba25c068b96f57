"""Incidents: from the first failed run to the next published one, stored in the home."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.database.steps import failed_step
from schemas.errors import PathStatsError, RunFailed
from schemas.home import Home


@dataclass(frozen=True)
class Failure:
    """A run that failed: when (`at`, ISO 8601 in UTC), as of what, with which exit code and sentence."""

    at: str
    as_of: str
    exit_code: int
    message: str

    @classmethod
    def now(cls, as_of: datetime, error: PathStatsError) -> "Failure":
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        return cls(moment, as_of.isoformat(), error.exit_code, str(error))


@dataclass(frozen=True)
class Incident:
    """The failures since a run was last published: the first, the last, and how many."""

    first: Failure
    last: Failure
    failures: int = 1

    def note(self) -> dict[str, Any]:
        """The stored form: the last failure, the first one, and their number."""
        return {**asdict(self.last), "failures": self.failures, "first": asdict(self.first)}


# DuckDB, polars and SQLite have no error class for a full disk; the last words are polars' words
# when the end of a parquet file finds no room.
_OF_A_FULL_DISK = ("No space left", "File too large", "disk is full", "Invalid thrift: transport error")


def in_one_sentence(home: Home, error: BaseException) -> str:
    """A sentence about an unexpected error, without its own words: they may quote data."""
    if any(words in str(error) for words in _OF_A_FULL_DISK):
        return f"The run can't write in {home.root}: the disk or a limit is full. Make room and run again."
    if isinstance(error, OSError):
        return f"The run can't read or write its files ({error.strerror}). Correct that and run again."
    step = failed_step(error)
    where = f" in the SQL step {step!r}" if step else ""
    return f"The run failed on a {type(error).__name__}{where}; -v shows where. Please report it."


def going_on(home: Home) -> Incident | None:
    """The incident, if the last run failed. A note that can't be read is evidence of a failure, too."""
    if (noted := _noted(home)) is not None:
        return noted
    try:
        written = datetime.fromtimestamp(home.failure.stat().st_mtime, UTC).isoformat(timespec="microseconds")
    except OSError:
        return None
    unknown = Failure(
        written,
        written,
        RunFailed.exit_code,
        f"{home.failure.name} gives no reason: most likely there was no room to write it. Make room in "
        f"{home.root} and run again.",
    )
    return Incident(unknown, unknown)


def _noted(home: Home) -> Incident | None:
    note = read_note(home.failure)
    try:
        return Incident(Failure(**note.pop("first")), failures=note.pop("failures"), last=Failure(**note))
    except (KeyError, TypeError):
        return None


def remember(home: Home, failure: Failure) -> Incident:
    """The incident with one more failure, also where the home can't be written."""
    before = _noted(home)
    incident = Incident(before.first, failure, before.failures + 1) if before else Incident(failure, failure)
    if not write_note(home.failure, incident.note()):
        # A file without content needs no room on the disk, and is still evidence.
        with suppress(OSError):
            home.failure.touch()
    return incident


def end(home: Home) -> None:
    """A run is published: nothing has failed since."""
    with suppress(OSError):
        home.failure.unlink(missing_ok=True)


def read_note(file: Path) -> dict[str, Any]:
    """The content of the file; empty if it can't be read."""
    try:
        note = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def write_note(file: Path, note: dict[str, Any]) -> bool:
    """Replace the file in one step and return whether it could be written; else the old note stays."""
    temporary = file.with_name(f"{file.name}.new")
    try:
        temporary.write_text(json.dumps(note, indent=2) + "\n", "utf-8")
        os.replace(temporary, file)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return False
    return True
