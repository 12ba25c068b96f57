"""Generate the demo: the data of an invented training company.

On any day some sessions have ended, some are running and some are still to come. The same number of learners,
seed and day give the same files; a later day of the month continues the same company, and another month has
another company.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from flows.sources.base import Extract, WarehouseState
from flows.sources.demo.attempts import LIBRARY, attempts, step_activity
from flows.sources.demo.data_faults import (
    steps_as_json,
    with_faulty_activity,
    with_faulty_enrollments,
    with_faulty_users,
)
from flows.sources.demo.enrollments import draw_enrollments, enrollments
from flows.sources.demo.month import Month
from flows.sources.demo.paths import path_steps, paths
from flows.sources.demo.people import people, users
from flows.sources.demo.random_draws import ids
from flows.sources.demo.sessions import path_sessions, path_version, sessions
from schemas.errors import UsageError

LEAST_LEARNERS = 200
# More months than there are until the year 9999.
_MONTHS = 1_000_000


@dataclass(frozen=True)
class Demo:
    """A source with a generated company.

    Raises: UsageError below 200 learners, since fewer can't show every status.
    """

    learners: int = 2_000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.learners < LEAST_LEARNERS:
            raise UsageError(
                f"The demo needs at least {LEAST_LEARNERS} learners; choose {LEAST_LEARNERS} or more."
            )

    def extract(self, landing: Path, as_of: datetime, state: WarehouseState) -> Iterator[Extract]:
        """Write the six tables into the landing folder and deliver their files."""
        for table in self.write(landing, as_of):
            yield Extract(table, landing / file_name(table), data_as_of=as_of)

    def write(self, folder: Path, as_of: datetime) -> dict[str, int]:
        """Write the six tables into a folder, one file each; the rows per table, including faulty ones."""
        folder.mkdir(parents=True, exist_ok=True)
        rows: dict[str, int] = {}
        for table, content in self.tables(as_of):
            file = folder / file_name(table)
            if isinstance(content, str):
                file.write_text(content, encoding="utf-8")
                rows[table] = content.count("\n")
            else:
                content.write_parquet(file, compression="zstd")
                rows[table] = content.height
        return rows

    def tables(self, as_of: datetime) -> Iterator[tuple[str, pl.DataFrame | str]]:
        """Each of the six tables: `path_steps` as lines of JSON, the others as frames."""
        month = Month.of(as_of)
        # Another month also has other ids, so that its data does not contradict a known person's past.
        seed = self.seed * _MONTHS + month.number
        rng = np.random.Generator(np.random.PCG64(seed))
        path, steps = paths(seed), path_steps(seed, month.middle)
        yield "paths", path
        yield "path_steps", steps_as_json(steps.drop("path"), seed)

        session = sessions(self.learners, seed, month.middle, rng)
        yield "path_sessions", path_sessions(session, path, seed)

        person = people(self.learners, seed, rng)
        yield "users", with_faulty_users(users(person, rng), seed)

        enrollment = draw_enrollments(person, session, seed, month.end, rng)
        enrolled = enrollments(enrollment, person["user_id"], session["session_id"], month.today)
        yield "enrollments", with_faulty_enrollments(enrolled, seed)

        attempt = attempts(enrollment, path_version(session, steps), steps.height, month.end, rng)
        step_ids = pl.concat([steps["step_id"], ids("library course", seed, LIBRARY)])
        activity = step_activity(
            attempt, person["user_id"], step_ids, session["session_id"], seed, month.today
        )
        yield "step_activity", with_faulty_activity(activity, seed)


def file_name(table: str) -> str:
    return f"{table}.ndjson" if table == "path_steps" else f"{table}.parquet"
