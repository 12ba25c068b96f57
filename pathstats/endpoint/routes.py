"""The routes for programs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

from fastapi import FastAPI, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pathstats.endpoint.authentication import authenticated
from pathstats.endpoint.errors import SECURITY_HEADERS, json_answer
from pathstats.endpoint.key_cache import KeyCache
from pathstats.endpoint.openapi import OTHERWISE, SECURITY, UNAVAILABLE, responses
from pathstats.endpoint.release_context import Releases, iso
from pathstats.endpoint.response_models import Health, LearnerStats, Readiness, SessionStats, UsersStats
from pathstats.index_reader import Counts

SessionId = Annotated[str, Path(alias="sessionId", description="The path session's id.")]
UserEmailOrId = Annotated[
    str, Path(alias="userEmailOrId", description="The learner's id, or e-mail in any case.")
]
_STATS = "/api/v1/paths/sessions/{sessionId}/stats"
_LEARNERS_AT_ONCE = 500


def add_routes(app: FastAPI, releases: Releases, keyring: KeyCache) -> None:
    """The look-up, its companions, and whether there is something to ask.

    Coroutines ask SQLite themselves: a look-up takes 0.03 ms, a thread would take more. Longer work is
    done in threads.
    """
    secured = {"security": SECURITY}

    # Before the route of learners: one might have this id.
    @app.get(
        _STATS + "/users",
        summary="All learners of a session",
        responses=responses({"model": UsersStats}, "`path_session_not_found`"),
        openapi_extra=secured,
        response_model=None,
    )
    async def users_stats(request: Request, session_id: SessionId) -> Response:
        company_id = authenticated(request, keyring)
        pinned = releases.pin()
        pinned.open.check_session(company_id, session_id)
        if pinned.is_known_to(request):
            return Response(None, 304, pinned.headers)
        headers = {**SECURITY_HEADERS, **pinned.headers}
        if request.scope["is_head"]:
            return StreamingResponse(iter(()), 200, headers, "application/json")
        learners = pinned.open.learners(company_id, session_id)
        return StreamingResponse(_as_json(session_id, learners), 200, headers, "application/json")

    @app.get(
        _STATS + "/{userEmailOrId}",
        summary="A learner in a session",
        responses=responses(
            {"model": LearnerStats}, "`path_session_not_found`, `user_not_found` or `user_not_enrolled`"
        ),
        openapi_extra=secured,
        response_model=None,
    )
    async def user_stats(
        request: Request, session_id: SessionId, user_email_or_id: UserEmailOrId
    ) -> Response:
        company_id = authenticated(request, keyring)
        pinned = releases.pin()
        found = pinned.open.find(company_id, session_id, user_email_or_id)
        if pinned.is_known_to(request):
            return Response(None, 304, pinned.headers)
        return json_answer(found.body, headers=pinned.headers)

    @app.get(
        _STATS,
        summary="Counts of a session's learners by status",
        responses=responses({"model": SessionStats}, "`path_session_not_found`"),
        openapi_extra=secured,
        response_model=None,
    )
    async def session_stats(request: Request, session_id: SessionId) -> Response:
        company_id = authenticated(request, keyring)
        pinned = releases.pin()
        pinned.open.check_session(company_id, session_id)
        if pinned.is_known_to(request):
            return Response(None, 304, pinned.headers)
        counts = await run_in_threadpool(pinned.open.counts, company_id, session_id)
        return json_answer(_counts_as_json(session_id, counts), headers=pinned.headers)

    @app.get(
        "/healthz",
        summary="Whether the process answers",
        responses={"default": OTHERWISE},
        response_model=Health,
    )
    async def healthz(_: Request) -> Response:
        return json_answer('{"status": "ok"}', headers={"Cache-Control": "no-store"})

    @app.get(
        "/readyz",
        summary="Which release answers, and how old it is",
        responses={503: UNAVAILABLE, "default": OTHERWISE},
        response_model=Readiness,
    )
    async def readyz(_: Request) -> Response:
        keyring.refresh()
        pinned = releases.pin()
        age = datetime.now(UTC) - pinned.as_of
        ready = {
            "status": "ready",
            "releaseId": pinned.release_id,
            "asOf": iso(pinned.as_of),
            "ageSeconds": int(age.total_seconds()),
        }
        return json_answer(json.dumps(ready), headers={"Cache-Control": "no-store"})


def _counts_as_json(session_id: str, counts: Counts) -> str:
    return json.dumps(
        {
            "sessionId": session_id,
            "enrolled": counts.enrolled,
            "archived": counts.archived,
            "status": counts.statuses,
            "detailedStatus": counts.detailed_statuses,
        }
    )


def _as_json(session_id: str, learners: Iterator[tuple[str, str]]) -> Iterator[str]:
    """One object, a learner a line; each with the keys of a look-up after the id."""
    yield f'{{"sessionId": {json.dumps(session_id)}, "usersStats": ['
    separator = "\n"
    while some := list(islice(learners, _LEARNERS_AT_ONCE)):
        yield separator + ",\n".join(
            f'{{"_id": {json.dumps(user_id)}, {body.removeprefix("{")}' for user_id, body in some
        )
        separator = ",\n"
    yield "\n]}\n"
