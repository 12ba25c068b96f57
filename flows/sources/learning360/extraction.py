"""Read the lists of an extraction: independent lists concurrently, each page to disk as it arrives."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.sources.learning360 import resources
from flows.sources.learning360.client import IN_FLIGHT, Page, Platform
from flows.sources.learning360.concurrency import together
from flows.sources.learning360.corrections_file import land_corrections_of
from flows.sources.learning360.page_content import rows_of, subscription_of
from flows.sources.learning360.resources import STATUSES, Skippable, Wanted
from flows.sources.learning360.schema_drift import strange
from flows.sources.learning360.settings import Settings
from flows.sources.learning360.sync_plan import WHOLE, Decision, how_to_read_courses
from flows.sources.learning360.sync_state import Known
from flows.sources.page_store import Landing
from schemas.errors import MissingScope, NoSuchList


@dataclass(frozen=True)
class Extraction:
    """One extraction into one landing; what is there already is not read again.

    places: how many lists are read at the same time.
    """

    platform: Platform
    landing: Landing
    settings: Settings
    known: Known
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def read(self) -> None:
        """Read everything that the landing lacks.

        Raises: SourceError, naming the list and what is wrong with it.
        """
        # The longest lists first: the last one to start is waited for.
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
            self._list(Wanted(resources.PATHS, filters=changed)),
            self._list(Wanted(resources.SESSIONS, filters=changed)),
        )
        await together(self._courses(), *(self._enrollments(path) for path in self._paths()))

    def _wants(self, kinds: Skippable) -> bool:
        return kinds not in self.settings.skip

    def _changed(self) -> tuple[tuple[str, str], ...]:
        since = self.landing.record.since
        return (("modifiedAt[gte]", since),) if since else ()

    def _paths(self) -> list[str]:
        """The paths that have, or may have, enrollments: those with a session, listed or not."""
        listed = {str(row["_id"]) for row in self.landing.rows_of(resources.PATHS.name)}
        of_sessions = {str(row.get("pathId") or "") for row in self.landing.rows_of(resources.SESSIONS.name)}
        return sorted(listed | of_sessions - {""} | self.known.paths())

    async def _enrollments(self, path: str) -> None:
        """Active enrollments before archived ones: a learner who is unenrolled in between is in both.

        An enrollment that was never modified need not have modifiedAt: new ones are asked for, too.
        """
        for status in STATUSES:
            asked = (("status[eq]", status),)
            await self._list(Wanted(resources.ENROLLMENTS, path, status, (*asked, *self._changed())))
            if since := self.landing.record.since:
                created = (*asked, ("createdAt[gte]", since))
                await self._list(Wanted(resources.ENROLLMENTS, path, f"{status}/created", created))

    async def _courses(self) -> None:
        if not self._wants("courses"):
            return
        decision = self._decision()
        if not decision.batches:
            await self._list(Wanted(resources.COURSES))
            return
        await together(
            *(
                self._list(Wanted(resources.COURSES, part=f"{number:04d}", filters=_courses_in(batch)))
                for number, batch in enumerate(decision.batches)
            )
        )

    def _decision(self) -> Decision:
        """Decided once for a landing: a half-read batch is resumed the way it began."""
        if self.landing.record.decision is None:
            is_full = self.landing.record.is_full
            courses = {} if is_full else self.known.courses(self.landing)
            decision = WHOLE if is_full else how_to_read_courses(courses)
            self.landing.note(decision=decision.as_json())
        return Decision.of_json(self.landing.record.decision or {})

    async def _users(self) -> None:
        await self._list(Wanted(resources.USERS))

    async def _stats(self) -> None:
        """The platform's own statistics, stored as they are."""
        if self._wants("stats"):
            await together(
                *(
                    self._list(Wanted(resources.STATS, part=status, filters=(("status[eq]", status),)))
                    for status in STATUSES
                )
            )

    async def _classrooms(self) -> None:
        if not self._wants("classrooms"):
            return
        await self._list(Wanted(resources.CLASSROOMS))
        owners = [str(row["_id"]) for row in self.landing.rows_of(resources.CLASSROOMS.name)]
        await together(
            *(
                self._list(Wanted(kind, owner))
                for owner in owners
                for kind in (resources.SLOTS, resources.REGISTRATIONS)
            )
        )

    async def _corrections(self) -> None:
        if not self._wants("assessments"):
            return
        if self.settings.subscription:
            await self._subscription(self.settings.subscription)
            await self._list(Wanted(resources.CORRECTIONS, self.settings.subscription))
        if self.settings.corrections_file:
            await asyncio.to_thread(land_corrections_of, self.settings.corrections_file, self.landing)

    async def _subscription(self, owner: str) -> None:
        """How the platform keeps the subscription, without its address, which may contain a key.

        One that does not exist, or may not be read, is left to the list of its events.
        """
        wanted = Wanted(resources.SUBSCRIPTION, owner)
        if self.landing.is_complete(wanted.name):
            return
        try:
            page = await self.platform.first_page(wanted)
        except (MissingScope, NoSuchList):
            return
        kept = subscription_of(self.platform.host, wanted, page.content)
        self.landing.add(wanted.name, owner, [kept], None, {})

    async def _catalog(self) -> None:
        """The courses' titles and types; a client that may not read them loses these, not the run."""
        if not self._wants("catalog"):
            return
        wanted = Wanted(resources.CATALOG)
        try:
            await self._list(wanted)
        except (MissingScope, NoSuchList):
            self.landing.note(unread=(wanted.of.name,))
            self._is_empty(wanted)

    async def _list(self, wanted: Wanted) -> None:
        """Read a list from the page where it stopped; at most two of its pages are in memory."""
        if self.landing.is_complete(wanted.name):
            return
        async with self.places:
            try:
                await self._pages(wanted)
            except NoSuchList as error:
                if not self.landing.pages(wanted.name):
                    self._has_gone(wanted, error)
                    return
                # The address of a later page may have expired: from the first page on, once.
                self.landing.restart(wanted.name)
                await self._again(wanted)

    async def _again(self, wanted: Wanted) -> None:
        try:
            await self._pages(wanted)
        except NoSuchList as error:
            if self.landing.pages(wanted.name):
                raise
            self._has_gone(wanted, error)

    def _has_gone(self, wanted: Wanted, error: NoSuchList) -> None:
        """A path or classroom that was deleted in the meantime; an unlisted path with sessions."""
        if not (wanted.of.may_go and error.is_named):
            raise error
        self._is_empty(wanted)

    def _is_empty(self, wanted: Wanted) -> None:
        self.landing.restart(wanted.name)
        self.landing.add(wanted.name, wanted.owner, [], None, {})

    async def _pages(self, wanted: Wanted) -> None:
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
                # The next page is on its way while this one is written.
                writing = asyncio.create_task(asyncio.to_thread(self._land, wanted, number, page))
                address = page.next
        finally:
            if writing:
                await writing

    async def _page(self, wanted: Wanted, number: int, address: str) -> Page:
        try:
            return await self.platform.page(wanted, address)
        except NoSuchList as error:
            if number == 1:
                raise
            raise self.platform.host.page_gone(wanted.name, number, error) from None

    def _land(self, wanted: Wanted, number: int, page: Page) -> None:
        rows = rows_of(self.platform.host, wanted, number, page.content)
        self.landing.add(wanted.name, wanted.owner, rows, page.next, strange(wanted.of, rows))


def _courses_in(batch: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"courseId[in][{place}]", course) for place, course in enumerate(batch))
