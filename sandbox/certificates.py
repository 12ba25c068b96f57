"""Derive certificates: which paths award one, and which ones a user has."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import polars as pl

from sandbox.api_projection import platform_id
from sandbox.lists import Document

_TIME = pl.Datetime("us", "UTC")
_AWARDED = datetime(2020, 2, 29, 12, tzinfo=UTC)
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "_id": pl.String,
    "type": pl.String,
    "title": pl.String,
    "deliveryDate": _TIME,
    "expirationDate": _TIME,
    "validityPeriod": pl.Int64,
    "certificateOutlineId": pl.String,
    "pathId": pl.String,
    "pathName": pl.String,
    "pathSessionId": pl.String,
}


def outline_of(path: str) -> str | None:
    """The id of the certificate that the path awards; about half of the paths award one."""
    outline = platform_id(f"certificate of {path}")
    return outline if int(outline, 16) % 2 == 0 else None


def certificate_of(result: Document) -> str | None:
    """The id of the certificate that an enrollment was awarded, given its result in `paths/stats`."""
    if result["status"]["type"] != "successful" or outline_of(result["pathId"]) is None:
        return None
    return platform_id(f"certificate of {result['_id']}")


def certificates(user: str, results: Iterable[Document], paths: pl.DataFrame) -> pl.DataFrame:
    """A user's certificates: those of paths, and an external one for some users.

    results: the documents of the user's enrollments in `paths/stats`. paths: the input table.
    """
    known = {row["path_id"]: row for row in paths.iter_rows(named=True)}
    awarded = (result for result in results if "certificateId" in result)
    rows = [_of_path(result, known[result["pathId"]]) for result in awarded]
    if int(platform_id(user), 16) % 3 == 0:
        first_aid = {"_id": platform_id(f"external certificate of {user}"), "type": "external"}
        dates = {"deliveryDate": _AWARDED, "expirationDate": _months_later(_AWARDED, 24)}
        rows.append(first_aid | dates | {"title": "First aid", "validityPeriod": 24})
    return pl.DataFrame(rows, schema=_SCHEMA).sort("_id")


def _of_path(result: Document, path: dict[str, Any]) -> dict[str, Any]:
    delivered = datetime.fromisoformat(result["completedAt"])
    months = path.get("valid_for_months")
    return {
        "_id": result["certificateId"],
        "type": "path",
        "title": path["name"] or "",
        "deliveryDate": delivered,
        "expirationDate": months and _months_later(delivered, months),
        "validityPeriod": months,
        "certificateOutlineId": outline_of(path["path_id"]),
        "pathId": path["path_id"],
        "pathName": path["name"],
        "pathSessionId": result["sessionId"],
    }


def _months_later(base: datetime, months: int) -> datetime:
    year, month = divmod(base.year * 12 + base.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    return base.replace(year=year, month=month + 1, day=min(base.day, last_day))
