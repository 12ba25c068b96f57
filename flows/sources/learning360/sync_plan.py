"""Decide what an extraction reads: everything or changes, and attempts as one list or by course."""

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

# Node's usual query parser turns more than 20 indexes into an object, which the platform rejects.
COURSES_PER_REQUEST = 20
# The tables that are delivered as changes: the warehouse must have all of them from the same extraction.
_BY_CHANGES = ("paths", "path_sessions", "enrollments")


def base_of(
    settings: Settings, landings: list[tuple[Path, Record]], state: WarehouseState, now: datetime
) -> tuple[Path, Record] | None:
    """The delivered landing that is in the warehouse, if reading changes since then is enough; else None.

    It is not enough if the warehouse has other data, if other lists were skipped or activity had other ids,
    or if the last full extraction is too old: changes do not include deletions.
    """
    for folder, record in landings:
        if record.delivered_at is None or not same_platform(settings, record):
            continue
        is_stored = all(state.taken_at.get(table) == record.data_as_of for table in _BY_CHANGES)
        # Rounded to days, so that a run a second short of a week later counts as a week later.
        age_days = round((now - datetime.fromisoformat(record.full_at)) / timedelta(days=1))
        is_fresh = age_days < settings.full_every_days
        if is_stored:
            is_same = frozenset(record.skip) == settings.skip and record.ids == IDS
            return (folder, record) if is_fresh and is_same else None
    return None


def same_platform(settings: Settings, record: Record) -> bool:
    return (record.platform, record.company_id) == (settings.base_url, settings.company_id)


def since(base: Record, overlap_minutes: float) -> str:
    """The time from which changes are read, in whole seconds, the precision of the platform's filters.

    >>> since(Record("p", "c", begun_at="2026-03-10T02:00:00.7+00:00", full_at=""), overlap_minutes=5)
    '2026-03-10T01:55:00.000Z'
    """
    moment = base.data_as_of.astimezone(UTC) - timedelta(minutes=overlap_minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True)
class Course:
    """A known course: attempts at the last count, whether some are in a session, whether it was a step."""

    attempts: int
    in_session: bool
    is_step: bool


@dataclass(frozen=True)
class Decision:
    """How attempts at courses are read.

    batches:         the courses of each request; empty if the list is read as a whole.
    pages_whole:     the expected number of pages of the whole list; None if unknown.
    pages_by_course: the expected number of pages of the relevant courses; None if unknown.
    """

    batches: tuple[tuple[str, ...], ...]
    pages_whole: int | None = None
    pages_by_course: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, facts: Mapping[str, Any]) -> "Decision":
        batches = tuple(tuple(batch) for batch in facts["batches"])
        return cls(batches, facts["pages_whole"], facts["pages_by_course"])


WHOLE = Decision(())


def how_to_read_courses(courses: Mapping[str, Course]) -> Decision:
    """Choose the whole list or the relevant courses, whichever has fewer pages by the last counts.

    courses: the known courses; if empty, the list is read as a whole.
    Relevant are courses that are or were steps of paths, and courses with attempts in a session, because time
    spent on removed steps counts too.

    >>> how_to_read_courses({"a": Course(400, True, True), "b": Course(9_000, False, False)})
    Decision(batches=(('a',),), pages_whole=19, pages_by_course=1)
    """
    size = COURSES.page_size
    relevant = sorted(name for name, course in courses.items() if course.in_session or course.is_step)
    batches = tuple(
        tuple(relevant[start : start + COURSES_PER_REQUEST])
        for start in range(0, len(relevant), COURSES_PER_REQUEST)
    )
    whole = max(1, ceil(sum(course.attempts for course in courses.values()) / size))
    by_course = sum(max(1, ceil(sum(courses[name].attempts for name in batch) / size)) for batch in batches)
    if not courses or not relevant or whole <= by_course:
        return Decision((), whole if courses else None, by_course if courses else None)
    return Decision(batches, whole, by_course)
