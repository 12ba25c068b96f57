"""Decide the reads of an extraction: everything or changes; attempts as one list or by course."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from flows.sources.base import WarehouseState
from flows.sources.learning360.resources import COURSES
from flows.sources.learning360.settings import Settings
from flows.sources.page_store import IDS, Record

# Node's usual query parser makes an object of more than 20 indexes, which the platform does not take.
COURSES_A_REQUEST = 20
# Lists with changes that don't imply each other's: all must come from the same extraction.
_BY_CHANGES = ("paths", "path_sessions", "enrollments")


def base_of(
    settings: Settings, landings: list[tuple[Path, Record]], state: WarehouseState, now: datetime
) -> tuple[Path, Record] | None:
    """The delivered landing that is in the warehouse, if changes since then are enough; else None.

    They are not if the warehouse has another content, if other lists were skipped then, if activity had
    other ids then, or if the last extraction of everything is too long ago: changes have no word for what
    was deleted.
    """
    for folder, record in landings:
        if record.delivered_at is None or not same_platform(settings, record):
            continue
        is_stored = all(state.taken_at.get(table) == record.data_as_of for table in _BY_CHANGES)
        # In whole days: a run that begins a second earlier than a week ago is a week later.
        age_days = round((now - datetime.fromisoformat(record.full_at)) / timedelta(days=1))
        is_fresh = age_days < settings.full_every_days
        if is_stored:
            is_same = frozenset(record.skip) == settings.skip and record.ids == IDS
            return (folder, record) if is_fresh and is_same else None
    return None


def same_platform(settings: Settings, record: Record) -> bool:
    return (record.platform, record.company_id) == (settings.base_url, settings.company_id)


def since(base: Record, overlap_minutes: float) -> str:
    """From when on changes are read, in whole seconds as the platform's filters know them.

    >>> since(Record("p", "c", begun_at="2026-03-10T02:00:00.7+00:00", full_at=""), overlap_minutes=5)
    '2026-03-10T01:55:00.000Z'
    """
    moment = base.data_as_of.astimezone(UTC) - timedelta(minutes=overlap_minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True)
class Course:
    """A known course: attempts at the last count, whether some are in a session, if it is a step."""

    attempts: int
    in_session: bool
    is_step: bool


@dataclass(frozen=True)
class Decision:
    """How attempts at courses are read.

    batches:         the courses of each request; none: the list is read as a whole.
    pages_whole:     what the whole list is expected to take; None: not known.
    pages_by_course: what the courses that matter would take.
    """

    batches: tuple[tuple[str, ...], ...]
    pages_whole: int | None = None
    pages_by_course: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, noted: Mapping[str, Any]) -> "Decision":
        batches = tuple(tuple(batch) for batch in noted["batches"])
        return cls(batches, noted["pages_whole"], noted["pages_by_course"])


WHOLE = Decision(())


def how_to_read_courses(courses: Mapping[str, Course]) -> Decision:
    """Whichever is fewer pages, by the counts of the last time.

    courses: what is known of each course; empty: nothing is, the list is read as a whole.
    Those that matter are the steps of paths, now or before, and courses with attempts in a session: time
    counts on what has left the path, too.

    >>> how_to_read_courses({"a": Course(400, True, True), "b": Course(9_000, False, False)})
    Decision(batches=(('a',),), pages_whole=19, pages_by_course=1)
    """
    size = COURSES.page_size
    matter = sorted(name for name, course in courses.items() if course.in_session or course.is_step)
    batches = tuple(
        tuple(matter[start : start + COURSES_A_REQUEST]) for start in range(0, len(matter), COURSES_A_REQUEST)
    )
    whole = max(1, ceil(sum(course.attempts for course in courses.values()) / size))
    by_course = sum(max(1, ceil(sum(courses[name].attempts for name in batch) / size)) for batch in batches)
    if not courses or not matter or whole <= by_course:
        return Decision((), whole if courses else None, by_course if courses else None)
    return Decision(batches, whole, by_course)
