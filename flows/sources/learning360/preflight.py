"""Check in seconds whether a platform can be read: its URL, the client, and each list's scope."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import httpx

from flows.sources.learning360 import resources
from flows.sources.learning360.client import Platform, connected
from flows.sources.learning360.concurrency import together
from flows.sources.learning360.landing_warnings import lost_without, subscription_fault, without_corrections
from flows.sources.learning360.page_content import rows_of, subscription_of
from flows.sources.learning360.resources import STATUSES, ListOf, ListRequest
from flows.sources.learning360.settings import Settings
from schemas.errors import MissingScope, NoSuchList, SourceError

# A user is waiting, so there is only one retry.
_ATTEMPTS = 2


@dataclass(frozen=True)
class Probe:
    """The result of the check of one list.

    answer:  readable, missing scope, failed, skipped, or nothing to try it on.
    rows:    the number of rows of the first page.
    fault:   what is wrong, in a sentence.
    warning: what a run lacks without the list, in a sentence, if it can do without.
    """

    list: str
    scope: str
    answer: str
    rows: int | None = None
    fault: str | None = None
    warning: str | None = None

    @property
    def is_fault(self) -> bool:
        return self.fault is not None


def probe(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None = None,
    run: Callable[[Coroutine[Any, Any, list[Probe]]], list[Probe]] = asyncio.run,
) -> list[Probe]:
    """Request the first page of each list that a run reads, in the order of `resources.LISTS`.

    Raises: SourceError if the platform can't be reached or does not know the client.
    """
    return run(_probed(settings, transport))


async def _probed(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> list[Probe]:
    found: dict[str, Probe] = {}
    async with connected(settings, transport, attempts=_ATTEMPTS) as platform:
        await platform.now()
        probing = _Probing(settings, platform, found)
        await together(
            probing.paths_and_dependents(),
            probing.classrooms(),
            *(probing.first(ListRequest(kind)) for kind in _INDEPENDENT),
            probing.first(ListRequest(resources.STATS, filters=(("status[eq]", STATUSES[0]),))),
        )
    return [found[kind.name] for kind in resources.LISTS]


# These lists need no id from another list.
_INDEPENDENT = (resources.SESSIONS, resources.COURSES, resources.CATALOG, resources.USERS)


@dataclass(frozen=True)
class _Probing:
    settings: Settings
    platform: Platform
    found: dict[str, Probe]

    async def paths_and_dependents(self) -> None:
        rows = await self.first(ListRequest(resources.PATHS))
        await self._corrections(_assessments(rows))
        await self._of_first(resources.ENROLLMENTS, rows, (("status[eq]", STATUSES[0]),))

    async def classrooms(self) -> None:
        rows = await self.first(ListRequest(resources.CLASSROOMS))
        await self._of_first(resources.SLOTS, rows)
        await self._of_first(resources.REGISTRATIONS, rows)

    async def _corrections(self, assessments: int) -> None:
        owners = [{"_id": self.settings.subscription}] if self.settings.subscription else []
        await self._of_first(resources.SUBSCRIPTION, owners)
        await self._of_first(resources.CORRECTIONS, owners)
        subscription, corrections = (
            self.found[kind.name] for kind in (resources.SUBSCRIPTION, resources.CORRECTIONS)
        )
        if corrections.is_fault and subscription.warning:
            # The run would fail on the list of corrections, so the missing subscription is a fault too.
            self.found[subscription.list] = replace(subscription, warning=None, fault=corrections.fault)
        if not (owners or self.settings.corrections_file or self._is_skipped(resources.CORRECTIONS)):
            lost = without_corrections(assessments, "the steps on the first page of paths")
            self.found[corrections.list] = replace(corrections, warning=lost)

    async def _of_first(
        self, kind: ListOf, owners: list[dict[str, Any]], filters: tuple[tuple[str, str], ...] = ()
    ) -> None:
        if owners or self._is_skipped(kind):
            await self.first(ListRequest(kind, str(owners[0]["_id"]) if owners else "", filters=filters))
        else:
            self.found[kind.name] = Probe(kind.name, kind.scope, "nothing to try it on")

    async def first(self, wanted: ListRequest) -> list[dict[str, Any]]:
        kind = wanted.of
        if self._is_skipped(kind):
            self.found[kind.name] = Probe(kind.name, kind.scope, "skipped")
            return []
        try:
            page = await self.platform.first_page(wanted)
            rows = self._rows(wanted, page.content)
        except SourceError as error:
            answer = "missing scope" if isinstance(error, MissingScope) else "failed"
            self.found[kind.name] = _failed(kind, answer, error)
            return []
        fault = subscription_fault(rows[0]) if kind is resources.SUBSCRIPTION else None
        answer = "failed" if fault else "readable"
        self.found[kind.name] = Probe(kind.name, kind.scope, answer, rows=len(rows), fault=fault)
        return rows

    def _rows(self, wanted: ListRequest, content: bytes) -> list[dict[str, Any]]:
        if wanted.of is resources.SUBSCRIPTION:
            return [subscription_of(self.platform.host, wanted, content)]
        return rows_of(self.platform.host, wanted, 1, content)

    def _is_skipped(self, kind: ListOf) -> bool:
        return kind.skipped_with in self.settings.skip


def _assessments(paths: list[dict[str, Any]]) -> int:
    steps = [step for path in paths for step in path["steps"] if isinstance(step, dict)]
    return len({str(step.get("_id")) for step in steps if step.get("type") == "assessment"})


def _failed(kind: ListOf, answer: str, error: SourceError) -> Probe:
    """The result for a list that can't be read: a fault, or a warning if a run can do without it."""
    if kind.lost_without and isinstance(error, MissingScope | NoSuchList):
        return Probe(kind.name, kind.scope, answer, warning=lost_without(kind))
    return Probe(kind.name, kind.scope, answer, fault=str(error))
