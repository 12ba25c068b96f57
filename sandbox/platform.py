"""The platform: one company at one instant, and its lists."""

from datetime import datetime
from typing import Self

import polars as pl

from sandbox import classrooms, serializers, webhooks
from sandbox.api_projection import expressible, unlisted_activity
from sandbox.certificates import certificates
from sandbox.endpoints import ENDPOINTS
from sandbox.errors import rejected
from sandbox.lists import Listed
from sandbox.path_serializers import paths
from sandbox.platform_results import PlatformResults
from sandbox.valid_tables import Tables

_EDITED = ("paths", "paths/sessions", "enrollments")


class Platform:
    """The state of a platform at `now`, and its lists.

    tables:    the input tables, reduced by `expressible`.
    is_active: whether the webhook subscription to corrections is active.
    """

    def __init__(self, tables: Tables, now: datetime, *, is_active: bool = True) -> None:
        self.now, self.tables = now, expressible(tables, now)
        registrations = classrooms.registrations(self.tables, now)
        self._rows = {
            "paths": paths(self.tables, now),
            "paths/sessions": serializers.sessions(self.tables, now),
            "enrollments": serializers.enrollments(self.tables, now),
            "courses/stats": serializers.attempts(self.tables),
            "courses": serializers.courses(self.tables),
            "classrooms": classrooms.classrooms(self.tables),
            "slots": classrooms.slots(registrations),
            "registrations": registrations,
            "webhooks/subscriptions": webhooks.subscriptions(is_active=is_active),
            "events": webhooks.events(self.tables),
            "users": serializers.users(self.tables),
            "groups": serializers.groups(self.tables),
        }
        all_activity = pl.concat([self.tables["step_activity"], unlisted_activity(tables, now)])
        self._results = PlatformResults(self.tables | {"step_activity": all_activity}, now)

    def after(self, before: "Platform") -> Self:
        """This platform as the later state of `before`: rows that differ count as edited now."""
        for name in _EDITED:
            self._rows[name] = _edited(self._rows[name], before._rows[name], before.now, self.now)
        return self

    def list_at(self, route: str) -> Listed:
        """The list at a route below `/api/v2/`.

        Raises: Rejected with 404 if there is no such list.
        """
        match route.split("/"):
            case ["paths", "stats"]:
                completed = {"completedAt": self._results.completed_at}
                rows = self._rows["enrollments"]
                return Listed(ENDPOINTS[route], rows, self._results.documents, completed)
            case ["paths", path, "enrollments"]:
                rows = self._of("enrollments", "_pathId", path, owner="paths")
                return Listed(ENDPOINTS["paths/{pathId}/enrollments"], rows)
            case ["paths", path, "sessions", session, "user-statuses"]:
                return self._user_statuses(path, session)
            case ["classrooms", room, ("slots" | "registrations") as name]:
                rows = self._of(name, "_classroomId", room, owner="classrooms")
                return Listed(ENDPOINTS[f"classrooms/{{classroomId}}/{name}"], rows)
            case ["users", user, "certificates"]:
                return self._certificates(user)
            case ["webhooks", "subscriptions", subscription, *below]:
                return self._subscription(subscription, *below)
            case _ if route in self._rows and route in ENDPOINTS:
                return Listed(ENDPOINTS[route], self._rows[route])
        raise rejected(404, "notFound", "There is no such resource.")

    def _user_statuses(self, path: str, session: str) -> Listed:
        self._must_know("paths", path)
        of_session = pl.col("_sessionId") == session
        if self._rows["paths/sessions"].filter(of_session & (pl.col("pathId") == path)).is_empty():
            raise rejected(404, "sessionNotFound", "The path has no such session.")
        enrolled = self._rows["enrollments"].filter(pl.col("sessionId") == session)
        return Listed(
            ENDPOINTS["paths/{pathId}/sessions/{sessionId}/user-statuses"], self._results.counts(enrolled)
        )

    def _certificates(self, user: str) -> Listed:
        self._must_know("users", user)
        results = self._results.documents(self._rows["enrollments"].filter(pl.col("userId") == user))
        rows = certificates(user, results, self.tables["paths"])
        return Listed(ENDPOINTS["users/{userId}/certificates"], rows)

    def _subscription(self, id: str, *below: str) -> Listed:
        pattern = "/".join(["webhooks/subscriptions/{subscriptionId}", *below])
        if pattern not in ENDPOINTS:
            raise rejected(404, "notFound", "There is no such resource.")
        self._must_know("webhooks/subscriptions", id)
        if below == ("events",):
            rows = self._rows["events"].filter(pl.col("_subscription") == id)
        elif below == ("secrets",):
            rows = webhooks.secrets(id)
        else:
            rows = self._rows["webhooks/subscriptions"].filter(pl.col("_id") == id)
        return Listed(ENDPOINTS[pattern], rows)

    def _of(self, name: str, column: str, key: str, *, owner: str) -> pl.DataFrame:
        """The rows that belong to one owner; 404 if the owner is unknown."""
        self._must_know(owner, key)
        return self._rows[name].filter(pl.col(column) == key)

    def _must_know(self, name: str, key: str) -> None:
        if key not in self._rows[name]["_id"]:
            kind = name.rpartition("/")[2].removesuffix("s")
            raise rejected(404, f"{kind}NotFound", f"There is no {kind} with this id.")


def _edited(rows: pl.DataFrame, before: pl.DataFrame, was_at: datetime, edited_at: datetime) -> pl.DataFrame:
    """The rows, with the earlier `modifiedAt` for unchanged rows and `edited_at` for changed ones.

    A row that was created since then without `modifiedAt` still has none.
    """
    content = pl.struct(pl.exclude("modifiedAt")).struct.json_encode().alias("_content")
    same = before.select(content, _was="modifiedAt", _is_same=pl.lit(True))
    is_new = pl.col("modifiedAt").is_null() & (pl.col("createdAt") > was_at)
    now = pl.lit(edited_at, pl.Datetime("us", "UTC"))
    modified_at = pl.when("_is_same").then("_was").when(~is_new).then(now)
    return (
        rows.with_columns(content)
        .join(same, on="_content", how="left", maintain_order="left")
        .with_columns(modifiedAt=modified_at)
        .drop("_content", "_was", "_is_same")
    )
