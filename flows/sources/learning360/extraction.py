"""Read the lists of an extraction: independent lists concurrently, storing each page as it arrives."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.sources.learning360 import resources
from flows.sources.learning360.client import IN_FLIGHT, Page, Platform
from flows.sources.learning360.concurrency import together
from flows.sources.learning360.corrections_file import land_corrections_of
from flows.sources.learning360.page_content import rows_of, subscription_of
from flows.sources.learning360.resources import STATUSES, ListRequest, Skippable
from flows.sources.learning360.schema_drift import strange
from flows.sources.learning360.settings import Settings
from flows.sources.learning360.sync_plan import WHOLE, Decision, how_to_read_courses
from flows.sources.learning360.sync_state import Known
from flows.sources.page_store import Landing
from schemas.errors import MissingScope, NoSuchList


@dataclass(frozen=True)
class Extraction:
    """One extraction into one landing; pages that are already stored are not read again.

    places: limits the number of lists that are read at the same time.
    """

    platform: Platform
    landing: Landing
    settings: Settings
    known: Known
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def read(self) -> None:
        """Read everything that the landing lacks.

        Raises: SourceError, naming the list and the fault.
        """
        # The longest first, to shorten the total time.
        await together(
            self._of_paths(),
            self._users(),
            self._stats(),
            self._classrooms(),
            self._corrections(),
            self._catalog(),
        )

    async def _of_paths(self) -> None:
        changed = self._changed()
        await together(
            self._list(ListRequest(resources.PATHS, filters=changed)),
            self._list(ListRequest(resources.SESSIONS, filters=changed)),
        )
        await together(self._courses(), *(self._enrollments(path) for path in self._paths()))

    def _wants(self, kinds: Skippable) -> bool:
        return kinds not in self.settings.skip

    def _changed(self) -> tuple[tuple[str, str], ...]:
        since = self.landing.record.since
        return (("modifiedAt[gte]", since),) if since else ()

    def _paths(self) -> list[str]:
        """The paths that may have enrollments: listed paths, and paths of sessions, listed or not."""
        listed = {str(row["_id"]) for row in self.landing.rows_of(resources.PATHS.name)}
        of_sessions = {str(row.get("pathId") or "") for row in self.landing.rows_of(resources.SESSIONS.name)}
        return sorted(listed | of_sessions - {""} | self.known.paths())

    async def _enrollments(self, path: str) -> None:
        """Read published enrollments before archived ones, so that one archived in between is not missed.

        An enrollment that was never modified may lack modifiedAt, so new enrollments are requested too.
        """
        for status in STATUSES:
            of_status = (("status[eq]", status),)
            await self._list(ListRequest(resources.ENROLLMENTS, path, status, (*of_status, *self._changed())))
            if since := self.landing.record.since:
                created = (*of_status, ("createdAt[gte]", since))
                await self._list(ListRequest(resources.ENROLLMENTS, path, f"{status}/created", created))

    async def _courses(self) -> None:
        if not self._wants("courses"):
            return
        decision = self._decision()
        if not decision.batches:
            await self._list(ListRequest(resources.COURSES))
            return
        await together(
            *(
                self._list(ListRequest(resources.COURSES, part=f"{number:04d}", filters=_courses_in(batch)))
                for number, batch in enumerate(decision.batches)
            )
        )

    def _decision(self) -> Decision:
        """How to read the courses, decided once per landing, so that a half-read batch is resumed as is."""
        if self.landing.record.decision is None:
            is_full = self.landing.record.is_full
            courses = {} if is_full else self.known.courses(self.landing)
            decision = WHOLE if is_full else how_to_read_courses(courses)
            self.landing.note(decision=decision.as_json())
        return Decision.of_json(self.landing.record.decision or {})

    async def _users(self) -> None:
        await self._list(ListRequest(resources.USERS))

    async def _stats(self) -> None:
        """Read the platform's own statistics, for the reconciliation."""
        if self._wants("stats"):
            await together(
                *(
                    self._list(ListRequest(resources.STATS, part=status, filters=(("status[eq]", status),)))
                    for status in STATUSES
                )
            )

    async def _classrooms(self) -> None:
        if not self._wants("classrooms"):
            return
        await self._list(ListRequest(resources.CLASSROOMS))
        owners = [str(row["_id"]) for row in self.landing.rows_of(resources.CLASSROOMS.name)]
        await together(
            *(
                self._list(ListRequest(kind, owner))
                for owner in owners
                for kind in (resources.SLOTS, resources.REGISTRATIONS)
            )
        )

    async def _corrections(self) -> None:
        if not self._wants("assessments"):
            return
        if self.settings.subscription:
            await self._subscription(self.settings.subscription)
            await self._list(ListRequest(resources.CORRECTIONS, self.settings.subscription))
        if self.settings.corrections_file:
            await asyncio.to_thread(land_corrections_of, self.settings.corrections_file, self.landing)

    async def _subscription(self, owner: str) -> None:
        """Store the subscription without its URL, which may contain a key.

        If it does not exist or can't be read, the list of its events reports that.
        """
        wanted = ListRequest(resources.SUBSCRIPTION, owner)
        if self.landing.is_complete(wanted.name):
            return
        try:
            page = await self.platform.first_page(wanted)
        except (MissingScope, NoSuchList):
            return
        subscription = subscription_of(self.platform.host, wanted, page.content)
        self.landing.add(wanted.name, owner, [subscription], None, {})

    async def _catalog(self) -> None:
        """Read the courses' titles and types; they are optional if the client lacks the scope."""
        if not self._wants("catalog"):
            return
        wanted = ListRequest(resources.CATALOG)
        try:
            await self._list(wanted)
        except (MissingScope, NoSuchList):
            self.landing.note(unread=(wanted.of.name,))
            self._store_empty(wanted)

    async def _list(self, wanted: ListRequest) -> None:
        """Read the remaining pages of a list, with at most two pages in memory."""
        if self.landing.is_complete(wanted.name):
            return
        async with self.places:
            try:
                await self._pages(wanted)
            except NoSuchList as error:
                if not self.landing.pages(wanted.name):
                    self._handle_missing(wanted, error)
                    return
                # The URL of a later page may have expired: start again from the first page, once.
                self.landing.restart(wanted.name)
                await self._again(wanted)

    async def _again(self, wanted: ListRequest) -> None:
        try:
            await self._pages(wanted)
        except NoSuchList as error:
            if self.landing.pages(wanted.name):
                raise
            self._handle_missing(wanted, error)

    def _handle_missing(self, wanted: ListRequest, error: NoSuchList) -> None:
        """Store an empty list if its path or classroom was deleted meanwhile or is unlisted, else raise."""
        if not (wanted.of.may_go and error.is_named):
            raise error
        self._store_empty(wanted)

    def _store_empty(self, wanted: ListRequest) -> None:
        self.landing.restart(wanted.name)
        self.landing.add(wanted.name, wanted.owner, [], None, {})

    async def _pages(self, wanted: ListRequest) -> None:
        landed = self.landing.pages(wanted.name)
        address = landed[-1].next if landed else wanted.first_page
        number = len(landed)
        writing: asyncio.Task[None] | None = None
        try:
            while address:
                page = await self._page(wanted, number + 1, address)
                if writing:
                    await writing
                number += 1
                # Write this page while the next one is requested.
                writing = asyncio.create_task(asyncio.to_thread(self._land, wanted, number, page))
                address = page.next
        finally:
            if writing:
                await writing

    async def _page(self, wanted: ListRequest, number: int, address: str) -> Page:
        try:
            return await self.platform.page(wanted, address)
        except NoSuchList as error:
            if number == 1:
                raise
            raise self.platform.host.page_gone(wanted.name, number, error) from None

    def _land(self, wanted: ListRequest, number: int, page: Page) -> None:
        rows = rows_of(self.platform.host, wanted, number, page.content)
        self.landing.add(wanted.name, wanted.owner, rows, page.next, strange(wanted.of, rows))


def _courses_in(batch: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"courseId[in][{place}]", course) for place, course in enumerate(batch))
