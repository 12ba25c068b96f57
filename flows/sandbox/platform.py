"""The platform: a world at an instant, and the lists it is served as."""

from datetime import datetime
from typing import Self

import polars as pl

from flows.sandbox import documents
from flows.sandbox.answers import Answers
from flows.sandbox.documents import PUBLISHED
from flows.sandbox.errors import refused
from flows.sandbox.lists import Listed
from flows.sandbox.sayable import sayable, untold
from flows.sandbox.sound_tables import Tables

# The one webhook subscription there is.
SUBSCRIPTION = "5ab000000000000000000001"
_EDITED = ("paths", "paths/sessions", "enrollments")


class Platform:
    """What a platform holds at `now` and says of it.

    tables: the world, as `sayable` leaves it.
    """

    def __init__(self, tables: Tables, now: datetime) -> None:
        self.now, self.tables = now, sayable(tables, now)
        came = documents.registrations(self.tables)
        self._rows = {
            "paths": documents.paths(self.tables, now),
            "paths/sessions": documents.sessions(self.tables, now),
            "enrollments": documents.enrollments(self.tables, now),
            "courses/stats": documents.attempts(self.tables),
            "classrooms": documents.classrooms(self.tables),
            "slots": documents.slots(came),
            "registrations": came,
            "events": documents.corrections(self.tables),
            "users": documents.users(self.tables),
        }
        all_activity = pl.concat([self.tables["step_activity"], untold(tables, now)])
        self._answers = Answers(self.tables | {"step_activity": all_activity}, now)

    def after(self, before: "Platform") -> Self:
        """The same platform as one that was `before`: what is another than it was then was edited now."""
        for name in _EDITED:
            self._rows[name] = _edited(self._rows[name], before._rows[name], self.now)
        return self

    def list_at(self, route: str) -> Listed:
        """The list at a route below `/api/v2/`.

        Raises: Refused, 404, if there is none.
        """
        match route.split("/"):
            case ["paths", path, "enrollments"]:
                self._must_know("paths", path, "pathNotFound")
                rows = self._rows["enrollments"].filter(pl.col("_pathId") == path)
                return Listed(rows, 5_000, "paths:read", ("status", "createdAt", "modifiedAt"), PUBLISHED)
            case ["classrooms", room, ("slots" | "registrations") as name]:
                self._must_know("classrooms", room, "classroomNotFound")
                rows = self._rows[name].filter(pl.col("_classroomId") == room)
                return Listed(rows, {"slots": 100, "registrations": 2_000}[name], "classrooms:read")
            case ["webhooks", "subscriptions", name, "events"] if name == SUBSCRIPTION:
                return Listed(self._rows["events"], 250, "webhooks:read")
            case ["webhooks", "subscriptions", _, "events"]:
                raise refused(404, "subscriptionNotFound", "There is no such webhook subscription.")
            case _:
                return self._list_of_all(route)

    def _list_of_all(self, route: str) -> Listed:
        match route:
            case "paths":
                return Listed(self._rows[route], 200, "paths:read", ("createdAt", "modifiedAt", "status"))
            case "paths/sessions":
                dates = ("createdAt", "modifiedAt", "startDate", "endDate")
                return Listed(self._rows[route], 500, "paths:read", dates)
            case "paths/stats":
                filters = ("status", "pathId", "sessionId", "userId")
                of = self._answers.documents
                return Listed(self._rows["enrollments"], 2_000, "pathStats:read", filters, PUBLISHED, of)
            case "courses/stats":
                return Listed(
                    self._rows[route], 500, "courseStats:read", ("completedAt", "courseId", "userId")
                )
            case "classrooms":
                return Listed(self._rows[route], 500, "classrooms:read")
            case "users":
                return Listed(self._rows[route], 500, "users:read", ("status",))
        raise refused(404, "notFound", "There is no such resource.")

    def _must_know(self, name: str, key: str, code: str) -> None:
        if key not in self._rows[name]["_id"]:
            raise refused(404, code, f"There is none with the id {key}.")


def _edited(rows: pl.DataFrame, before: pl.DataFrame, edited_at: datetime) -> pl.DataFrame:
    """The rows with `modifiedAt` as before where nothing else differs."""
    content = pl.struct(pl.exclude("modifiedAt")).struct.json_encode().alias("_content")
    same = before.select(content, _was="modifiedAt")
    return (
        rows.with_columns(content)
        .join(same, on="_content", how="left", maintain_order="left")
        .with_columns(modifiedAt=pl.coalesce("_was", pl.lit(edited_at).dt.cast_time_unit("us")))
        .drop("_content", "_was")
    )
