"""Pass state from each extraction to the next one, as files in the landing."""

import os
import shutil
from pathlib import Path

import polars as pl

from flows.sources.learning360.resources import PATHS
from flows.sources.learning360.sync_plan import Course
from flows.sources.page_store import Landing

# Folders in a landing: the state for the next extraction, and the state of the previous one.
KNOWN, BEFORE = "known", "before"
SESSIONS, STEPS, WAIVERS = "sessions.parquet", "steps.parquet", "waivers.parquet"
ENROLLMENTS, CORRECTIONS, COURSES = "enrollments.parquet", "corrections.parquet", "courses.parquet"
TITLES = "titles.parquet"


class Known:
    """The state of the previous landing; empty if there is none."""

    def __init__(self, landing: Landing) -> None:
        self._folder = landing.folder / BEFORE
        self._is_full = landing.record.is_full

    def paths(self) -> set[str]:
        """The known paths with sessions; empty in a full extraction, which reads them again."""
        if self._is_full:
            return set()
        return set(pl.read_parquet(self._folder / SESSIONS)["path_id"].drop_nulls())

    def courses(self, landing: Landing) -> dict[str, Course]:
        """The known courses, and the courses that are steps of a path that has changed."""
        file = self._folder / COURSES
        if not file.is_file():
            return {}
        rows = pl.read_parquet(file).iter_rows()
        known = {name: Course(attempts, in_session, is_step) for name, attempts, in_session, is_step in rows}
        for path in landing.rows_of(PATHS.name):
            for step in path["steps"]:
                if isinstance(step, dict) and step.get("type") == "course":
                    name = str(step.get("_id"))
                    before = known.get(name, Course(0, False, True))
                    known[name] = Course(before.attempts, before.in_session, True)
        return known


def hand_on(known: Path | None, landing: Path) -> None:
    """Copy the state of an older landing, if there is one, into a new one; as hard links if possible."""
    before = landing / BEFORE
    before.mkdir()
    for file in known.glob("*.parquet") if known else ():
        try:
            os.link(file, before / file.name)
        except OSError:
            shutil.copyfile(file, before / file.name)
