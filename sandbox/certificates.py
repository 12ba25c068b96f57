"""Certificates: the paths that award them, and the ones awarded to a user."""

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
    """The certificate that the path awards; every second path has one."""
    outline = platform_id(f"certificate of {path}")
    return outline if int(outline, 16) % 2 == 0 else None


def certificate_of(answer: Document) -> str | None:
    """The id of the certificate that was awarded to an enrollment, by its result in `paths/stats`."""
    if answer["status"]["type"] != "successful" or outline_of(answer["pathId"]) is None:
        return None
    return platform_id(f"certificate of {answer['_id']}")


def certificates(user: str, answers: Iterable[Document], paths: pl.DataFrame) -> pl.DataFrame:
    """A user's certificates: of paths, and for some an external one.

    answers: the results of the user's enrollments. paths: the tables' rows.
    """
    known = {row["path_id"]: row for row in paths.iter_rows(named=True)}
    awarded = (answer for answer in answers if "certificateId" in answer)
    rows = [_of_path(answer, known[answer["pathId"]]) for answer in awarded]
    if int(platform_id(user), 16) % 3 == 0:
        first_aid = {"_id": platform_id(f"external certificate of {user}"), "type": "external"}
        dates = {"deliveryDate": _AWARDED, "expirationDate": _months_later(_AWARDED, 24)}
        rows.append(first_aid | dates | {"title": "First aid", "validityPeriod": 24})
    return pl.DataFrame(rows, schema=_SCHEMA).sort("_id")


def _of_path(answer: Document, path: dict[str, Any]) -> dict[str, Any]:
    delivered = datetime.fromisoformat(answer["completedAt"])
    months = path.get("valid_for_months")
    return {
        "_id": answer["certificateId"],
        "type": "path",
        "title": path["name"] or "",
        "deliveryDate": delivered,
        "expirationDate": months and _months_later(delivered, months),
        "validityPeriod": months,
        "certificateOutlineId": outline_of(path["path_id"]),
        "pathId": path["path_id"],
        "pathName": path["name"],
        "pathSessionId": answer["sessionId"],
    }


def _months_later(base: datetime, months: int) -> datetime:
    year, month = divmod(base.year * 12 + base.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    return base.replace(year=year, month=month + 1, day=min(base.day, last_day))
