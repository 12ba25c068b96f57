"""Read corrections of assessments from a file of webhook events."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.sources.learning360.resources import CORRECTIONS, ListRequest
from flows.sources.learning360.schema_drift import strange
from flows.sources.page_store import Landing
from schemas.errors import SourceError

OF_FILE = ListRequest(CORRECTIONS, part="file")


def land_corrections_of(file: Path, landing: Landing) -> None:
    """Store the events of the file (NDJSON or NDJSON.gz) as pages of the landing.

    Events are as the platform sends them, or as its list of events returns them.
    Raises: SourceError, naming the line that is not an event.
    """
    if landing.is_complete(OF_FILE.name):
        return
    rows = list(_events(file))
    size = CORRECTIONS.page_size
    pages = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    done = len(landing.pages(OF_FILE.name))
    for number, page in enumerate(pages[done:], start=done + 1):
        following = None if number == len(pages) else f"line {number * size + 1}"
        landing.add(OF_FILE.name, "", page, following, strange(CORRECTIONS, page))


def _events(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with (
            gzip.open(file, "rt", encoding="utf-8")
            if file.name.endswith(".gz")
            else file.open(encoding="utf-8") as lines
        ):
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _event(file, number, line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{file}: the file of corrections can't be read ({type(error).__name__}). Correct the setting "
            "corrections_file."
        ) from error


def _event(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise SourceError(
            f"{file}, line {number}: not a JSON object; each line is one event. Correct the line."
        )
    return event
