"""A published world, and made-up responses of its platform."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.database.connection import Connection
from flows.reconciliation.run import reconcile
from flows.sources.page_store import Landing, Record
from schemas.home import Home
from schemas.manifest import Agreement
from tests.helpers.one_run import AS_OF, latest
from tests.reference.tables import at, cells

_NAMES = {
    "enrollment": "_id",
    "session": "sessionId",
    "user": "userId",
    "time": "timeSpent",
    "completed": "completedAt",
    "started": "startedAt",
    "enrolled": "enrolledAt",
    "unenrolled": "unenrolledAt",
    "due": "dueDate",
}
_NUMBERS = ("progress", "score", "timeSpent")


def answers(text: str) -> list[dict[str, Any]]:
    """The rows of `paths/stats` that a block describes; empty cells are absent."""
    header, *lines = cells(text)
    return [_answer(dict(zip(header, line, strict=True))) for line in lines]


def _answer(row: dict[str, str]) -> dict[str, Any]:
    kind, _, reason = row.pop("status").partition(", ")
    answer: dict[str, Any] = {"status": {"type": kind, "reason": reason} if reason else {"type": kind}}
    for short, cell in row.items():
        name = _NAMES.get(short, short)
        if cell:
            answer[name] = int(cell) if name in _NUMBERS else _text(name, cell)
    return answer


def _text(name: str, cell: str) -> str:
    return at(cell).isoformat() if name.endswith(("At", "Date")) else cell


def held_against(
    home: Path,
    folder: Path,
    text: str,
    *,
    asked_at: datetime = AS_OF + timedelta(minutes=5),
    of_changes: bool = False,
    is_asked: bool = True,
) -> tuple[pl.DataFrame, Agreement | None]:
    """The table parity of the home's release and these answers, and the agreement."""
    record = Record(
        platform="https://platform.example",
        company_id="acme",
        begun_at=AS_OF.isoformat(),
        full_at=AS_OF.isoformat(),
        base="before" if of_changes else None,
        read_at=asked_at.isoformat(),
    )
    landing = Landing.begin(folder / "landing", record)
    for status in ("published", "archived") if is_asked else ():
        rows = [it for it in answers(text) if ("unenrolledAt" in it) == (status == "archived")]
        landing.add(f"stats/{status}", "", rows, None, {})
    release = latest(home)
    with Connection(Home(home).warehouse) as connection:
        found = reconcile(connection, release, landing.folder, AS_OF)
    return pl.read_parquet(release.table("parity")), found


def differences(parity: pl.DataFrame) -> set[tuple[str, str, str]]:
    """Enrollment, field and class of what differs."""
    return set(parity.filter(~pl.col("same")).select("enrollment_id", "field", "difference").rows())
