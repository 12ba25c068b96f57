"""R17: why a row changed, where it happened in a child session: only to a learner who is in both."""

from pathlib import Path

import polars as pl
import pytest

from flows.warehouse.warehouse import Warehouse
from schemas.home import Release
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.tables import at, world

# C is the child of S, which ends between the two runs.
WHOLE = world(
    paths="path \n P \n Q",
    steps="""
    path | step | type
    P    | Q    | path
    Q    | D    | course
    Q    | E    | course
    """,
    sessions="session | path | ends \n S | P | 10 Mar 12:00 \n C | Q |",
    children="session \n C",
    enrollments="enrollment | session | user \n e1 | S | u1 \n e2 | S | u2 \n c2 | C | u2",
    activity="user | session | step | completed \n u1 | C | D | 10 Mar 06:00 \n u2 | C | D | 10 Mar 06:00",
)


@pytest.mark.parametrize(("learner", "cause"), [("u1", "time"), ("u2", "activity")])
def test_activity_in_a_child_session_is_a_cause_for_its_learners(
    tmp_path: Path, learner: str, cause: str
) -> None:
    with Warehouse.open() as connection:
        runs = Runs(tmp_path, connection)
        runs.accept([Delivery(table, rows, at("10 Mar")) for table, rows in WHOLE.items()], at("10 Mar"))
        # Backwards: so every row is computed again, with all activity.
        for day in ("11 Mar", "10 Mar"):
            runs.publish(at(day))
        changes = pl.read_parquet(Release(runs.home.latest).table("status_changes"))
    (row,) = changes.filter(session_id="S", user_id=learner, field="detailed_status").to_dicts()
    assert (row["old_value"], row["cause"]) == ("unsuccessful, sessionEnded", cause)
