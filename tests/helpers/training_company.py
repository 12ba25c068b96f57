"""A company's training on 10 March 2026, small enough to know by heart, and the runs that publish it."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.warehouse.thresholds import NO_THRESHOLDS
from schemas.home import Home, Release
from tests.helpers.one_run import AS_OF, as_ndjson, latest
from tests.reference.rows import Tables
from tests.reference.tables import at, world

BEFORE = AS_OF - timedelta(days=2)
STEPS = """
    step | type       | min_score | limit | due    | examination | optional
    A    |            | 80        | 2     | 7 days |             |
    B    |            |           |       |        |             |
    X    | assessment | 50        |       |        | yes         |
    C    |            |           |       |        |             | yes"""
SESSIONS = """
    session | starts | ends
    S0      | 1 Feb  | 28 Feb
    S1      | 1 Mar  | 20 Mar
    S2      | 1 Feb  | -
    S8      | 1 Apr  | 2 May
    S9      | 1 Apr  | 1 May"""
# u1 has done nothing; u2 began with the second step; u3 waits for correction; u4 has to retake A;
# u5 is done; u6 has failed A twice; u7 goes on; u8 was unenrolled; u9 goes on in S2; u10 was done in S0.
ENROLLED = """
    session | enrollment | user | enrolled | archived
    S1      | e1         | u1   |          |
    S1      | e2         | u2   |          |
    S1      | e3         | u3   |          |
    S1      | e4         | u4   |          |
    S1      | e5         | u5   |          |
    S1      | e6         | u6   |          |
    S1      | e7         | u7   |          |
    S1      | e8         | u8   |          | 5 Mar
    S2      | e9         | u1   | 20 Feb   |
    S2      | e10        | u9   | 5 Mar    |
    S0      | e11        | u9   | 1 Feb    |
    S0      | e12        | u10  | 1 Feb    |
    S9      | e13        | u1   |          |
    SX      | e14        | u5   |          |"""
ACTIVITY = """
    session | user | step | completed | score
    S1      | u2   | B    | 3 Mar     |
    S1      | u3   | A    | 3 Mar     | 85
    S1      | u3   | B    | 4 Mar     |
    S1      | u4   | A    | 4 Mar     | 60
    S1      | u4   | B    | 5 Mar     |
    S1      | u4   | X    | 6 Mar     | 70
    S1      | u5   | A    | 2 Mar     | 85
    S1      | u5   | B    | 3 Mar     |
    S1      | u5   | X    | 5 Mar     | 70
    S1      | u6   | A    | 3 Mar     | 60
    S1      | u6   | A    | 4 Mar     | 70
    S1      | u7   | A    | 3 Mar     | 85.25
    S2      | u9   | A    | 6 Mar     | 90
    S0      | u10  | A    | 5 Feb     | 85
    S0      | u10  | B    | 6 Feb     |
    S0      | u10  | X    | 10 Feb    | 70"""


def training() -> Tables:
    """The six tables; one user is rejected, one enrollment waits for its session."""
    tables = world(steps=STEPS, sessions=SESSIONS, enrollments=ENROLLED, activity=ACTIVITY)
    for row in tables["users"]:
        row |= {"first_name": f"First {row['user_id']}", "email": f"{row['user_id']}@example.org"}
    tables["users"].append({**tables["users"][0], "user_id": "u99", "status": "ghost"})
    return tables


def with_exam_corrected_later(tables: Tables) -> Tables:
    """The same, but u5's exam was corrected on 7 March, not on the 5th."""
    rows = [
        {**row, "completed_at": at("7 Mar"), "last_activity_at": at("7 Mar"), "started_at": at("5 Mar")}
        if (row["user_id"], row["step_id"]) == ("u5", "X")
        else row
        for row in tables["step_activity"]
    ]
    return {**tables, "step_activity": rows}


def published(
    folder: Path, tables: Tables, home: str = "home", *, with_names: bool = False, full_refresh: bool = False
) -> Release:
    """Two runs, of 8 and of 10 March; in between, the date of an exam's correction changes."""
    place = Home(folder / home)
    for as_of, delivered in ((BEFORE, tables), (AS_OF, with_exam_corrected_later(tables))):
        source = as_ndjson(folder / "in", delivered)
        for file in source.iterdir():
            # A report shows the time of its data, which for files is their own time.
            os.utime(file, (as_of.timestamp(), as_of.timestamp()))
        run_pipeline(
            RunConfig(
                source=f"files:{source}",
                home=place,
                as_of=as_of,
                **NO_THRESHOLDS.model_dump(),
                full_refresh=full_refresh,
                with_names=with_names,
            )
        )
    return latest(place.root)


def data_of(html: str) -> dict[str, Any]:
    """The data that the page's script reads."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return dict(json.loads(text))
