"""A column that was delivered before and is missing now: an error where rules read it, else a warning."""

from pathlib import Path

import pytest

from schemas.errors import RunBlocked, SourceError
from tests.helpers.class_of_learners import FIRST, NEXT, earned_by, edited, run, write
from tests.helpers.one_run import latest


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
def test_run_stops_without_a_column_that_rules_read_until_that_is_allowed(tmp_path: Path, form: str) -> None:
    run(write(tmp_path / "in", earned_by(20), form=form), tmp_path / "home")
    before = latest(tmp_path / "home")
    gone = write(tmp_path / "next", earned_by(20), form=form, without=("step_activity", "completed_at"))
    with pytest.raises(
        SourceError, match="step_activity has no column completed_at or no value in it"
    ) as error:
        run(gone, tmp_path / "home", NEXT)
    assert error.value.exit_code == 3
    assert latest(tmp_path / "home") == before
    with pytest.raises(RunBlocked, match="20 of 20 completion dates"):
        run(gone, tmp_path / "home", NEXT, allow_missing_columns=True)
    manifest = run(gone, tmp_path / "home", NEXT, allow_missing_columns=True, allow_vanished=True)
    assert manifest.warnings == [
        "step_activity: column completed_at, which earlier deliveries had, is missing or empty."
    ]
    assert not run(gone, tmp_path / "home", NEXT).warnings


def test_run_warns_of_a_missing_column_that_only_describes(tmp_path: Path) -> None:
    run(write(tmp_path / "in", earned_by(3)), tmp_path / "home")
    gone = write(tmp_path / "next", earned_by(3), without=("users", "email"))
    (warning,) = run(gone, tmp_path / "home", NEXT).warnings
    assert warning == "users: column email, which earlier deliveries had, is missing or empty."


def test_column_that_never_came_is_not_missed(tmp_path: Path) -> None:
    source = write(tmp_path / "in", earned_by(3), without=("enrollments", "archived_at"))
    run(source, tmp_path / "home")
    assert not run(source, tmp_path / "home", NEXT).warnings


def test_key_that_few_rows_of_ndjson_had_may_be_gone(tmp_path: Path) -> None:
    tables = earned_by(20)
    tables["enrollments"][0]["archived_at"] = FIRST
    run(write(tmp_path / "in", tables, form="ndjson"), tmp_path / "home")
    gone = write(tmp_path / "next", earned_by(20), form="ndjson", without=("enrollments", "archived_at"))
    (warning,) = run(gone, tmp_path / "home", NEXT).warnings
    assert warning == "enrollments: column archived_at, which earlier deliveries had, is missing or empty."


def test_changed_row_of_ndjson_may_lack_keys_that_others_have(tmp_path: Path) -> None:
    source = write(tmp_path / "in", earned_by(20), form="ndjson")
    run(source, tmp_path / "home")
    changes = {table: rows[:1] for table, rows in earned_by(20).items() if table == "step_activity"}
    write(source / "changes", changes, form="ndjson", without=("step_activity", "completed_at"))
    assert not run(source, tmp_path / "home", NEXT).warnings


def test_column_that_is_there_without_any_value_is_missing(tmp_path: Path) -> None:
    run(write(tmp_path / "in", earned_by(20)), tmp_path / "home")
    emptied = write(tmp_path / "next", edited(earned_by(20), "step_activity", score=None))
    with pytest.raises(SourceError, match="step_activity has no column score or no value in it"):
        run(emptied, tmp_path / "home", NEXT)


def test_changes_without_a_column_of_the_full_table_warn(tmp_path: Path) -> None:
    source = write(tmp_path / "in", earned_by(20))
    changes = {"step_activity": earned_by(20)["step_activity"][:1]}
    write(source / "changes", changes, without=("step_activity", "completed_at"))
    with pytest.raises(SourceError, match=r"changes/step_activity.csv: table step_activity has no column"):
        run(source, tmp_path / "home")


def test_optional_table_that_came_before_and_not_now_is_named(tmp_path: Path) -> None:
    tables = earned_by(3)
    waiver = {"company_id": "acme", "path_id": "P", "step_id": "A", "threshold": 90, "waived_step_id": "B"}
    source = write(tmp_path / "in", {**tables, "waivers": [waiver]})
    run(source, tmp_path / "home")
    (source / "waivers.csv").unlink()
    (warning,) = run(source, tmp_path / "home", NEXT).warnings
    assert warning == "waivers: delivered before but not now; its earlier rows still apply."
