"""Activity that refers to nothing known: a run reports the share, warns if it is low, stops if it falls."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.ops.run_figures import markdown
from pathstats.cli.main import app
from schemas.errors import RunBlocked
from schemas.manifest import Matched
from tests.helpers.class_of_learners import FIRST, NEXT, earned_by, edited, run, write
from tests.helpers.one_run import latest
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.rows import Tables

Renamed = Callable[[str], str]


def test_run_over_ids_that_a_spreadsheet_turned_into_floats_warns_and_names_the_known_form(
    tmp_path: Path,
) -> None:
    spoiled = edited(earned_by(6), "step_activity", session_id="101.0")
    manifest = run(write(tmp_path / "in", spoiled), tmp_path / "home")
    assert manifest.matched == {"acme": Matched(12, 12, 12, in_session=12, session=0, complete=0)}
    low, near = manifest.warnings
    assert low.startswith("step_activity: only 0 of the 12 rows that name a session match a known")
    assert near == (
        "step_activity: 1 of 1 unknown session id matches after removing '.0', e.g. '101.0' is '101'."
    )
    assert "session in 0 of the 12 that name one" in markdown(manifest)


@pytest.mark.parametrize(
    ("table", "column", "renamed", "words"),
    [
        ("step_activity", "user_id", lambda id: id.lstrip("0"), "after removing leading zeros"),
        ("step_activity", "step_id", str.lower, "after ignoring case"),
        ("step_activity", "session_id", "{} ".format, "after removing spaces around them"),
        ("users", "user_id", "{}.0".format, "after removing '.0'"),
    ],
)
def test_near_match_is_found_for_each_kind_of_id_whichever_side_changed(
    tmp_path: Path, table: str, column: str, renamed: Renamed, words: str
) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), table, **{column: renamed}))
    checked = CliRunner().invoke(app, ["check", f"files:{source}", "--as-of", FIRST.isoformat(), "--json"])
    near = [
        it
        for it in json.loads(checked.stdout)["warnings"]
        if it.startswith("step_activity") and "after" in it
    ]
    assert len(near) == 1
    assert words in near[0]


def test_ids_that_resemble_nothing_have_no_near_match(tmp_path: Path) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), "step_activity", session_id="elsewhere"))
    shown = CliRunner().invoke(app, ["check", f"files:{source}", "--as-of", FIRST.isoformat()])
    assert "Activity rows with a known user 100.0%, session 0.0%, step 100.0%." in shown.stdout
    assert "match after" not in shown.stdout


def test_share_that_is_low_enough_for_a_warning_is_a_setting(tmp_path: Path) -> None:
    tables = earned_by(10)
    half = [{**row, "session_id": "?"} if n < 10 else row for n, row in enumerate(tables["step_activity"])]
    source = write(tmp_path / "in", {**tables, "step_activity": half})
    assert not run(source, tmp_path / "home").warnings
    (warning,) = run(source, tmp_path / "home", NEXT, min_matched=0.51).warnings
    assert "only 10 of the 20 rows" in warning


def test_attempts_outside_any_session_need_no_session(tmp_path: Path) -> None:
    tables = earned_by(6)
    outside = [{**row, "session_id": None} for row in tables["step_activity"][1:]]
    source = write(tmp_path / "in", {**tables, "step_activity": [tables["step_activity"][0], *outside]})
    manifest = run(source, tmp_path / "home")
    assert manifest.matched["acme"] == Matched(12, 12, 12, in_session=1, session=1, complete=1)
    assert not manifest.warnings


@pytest.mark.parametrize("column", ["user_id", "session_id", "step_id"])
def test_run_is_blocked_when_the_matched_share_falls_and_the_live_release_stays(
    tmp_path: Path, column: str
) -> None:
    run(write(tmp_path / "in", earned_by(20)), tmp_path / "home")
    before = latest(tmp_path / "home")
    spoiled = write(tmp_path / "next", edited(earned_by(20), "step_activity", **{column: "x{}".format}))
    kind = column.removesuffix("_id")
    with pytest.raises(RunBlocked, match=f"company acme with a known {kind} fell from 100% to 0%") as blocked:
        run(spoiled, tmp_path / "home", NEXT)
    assert blocked.value.exit_code == 5
    assert latest(tmp_path / "home") == before
    accepted = run(spoiled, tmp_path / "home", NEXT, allow_shrink=True, allow_vanished=True)
    assert accepted.matched["acme"].shares()[kind] == 0
    # A loss that was accepted is not a loss of the next run.
    run(spoiled, tmp_path / "home", NEXT)


def test_falling_share_of_one_company_blocks_the_run(tmp_path: Path) -> None:
    def both(other: Tables) -> Tables:
        large = edited_company("big", earned_by(60))
        return {table: large[table] + other[table] for table in large}

    def edited_company(company: str, tables: Tables) -> Tables:
        return {table: [{**row, "company_id": company} for row in rows] for table, rows in tables.items()}

    run(write(tmp_path / "in", both(earned_by(5))), tmp_path / "home")
    spoiled = edited(earned_by(5), "step_activity", step_id="x{}".format)
    with pytest.raises(RunBlocked, match="company acme with a known step fell from 100% to 0%"):
        run(write(tmp_path / "next", both(spoiled)), tmp_path / "home", NEXT, allow_vanished=True)


def test_changes_that_match_nothing_are_warned_of_though_the_whole_table_matches(runs: Runs) -> None:
    row = {**runs.stored()["step_activity"][0], "activity_id": "new", "session_id": "S.0"}
    runs.accept([Delivery("step_activity", [row], NEXT, is_full=False)], NEXT)
    assert any(
        it.startswith("changes of step_activity: only 0 of the 1 rows that name a session")
        for it in runs.warnings
    )


def test_report_and_status_show_the_share_and_the_warnings(tmp_path: Path) -> None:
    spoiled = edited(earned_by(6), "step_activity", session_id="101.0")
    run(write(tmp_path / "in", spoiled), tmp_path / "home")
    report = latest(tmp_path / "home").report.read_text("utf-8")
    assert "user known in 12 of 12 rows, session in 0 of the 12 that name one, step in 12 of 12" in report
    assert "unknown session id matches after removing" in report
    status = CliRunner().invoke(app, ["status", "--home", str(tmp_path / "home")]).stdout
    assert "Activity rows with a known user 100.0%, session 0.0%, step 100.0%." in status
    assert "warning step_activity: only 0 of the 12 rows" in status


def test_company_without_any_attempt_in_a_session_has_no_share_of_sessions(tmp_path: Path) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), "step_activity", session_id=None))
    manifest = run(source, tmp_path / "home")
    assert manifest.matched["acme"].shares()["session"] is None
    assert "user 100.0%, session –, step 100.0%" in manifest.matched["acme"].percentages


def with_enrollments(name: Renamed) -> Tables:
    """The class, each attempt naming its learner's enrollment as the function writes it."""
    tables = earned_by(12)
    attempts = [{**row, "enrollment_id": name(f"e{row['user_id']}")} for row in tables["step_activity"]]
    return {**tables, "step_activity": attempts}


def test_attempts_that_name_enrollments_in_another_form_are_warned_of(tmp_path: Path) -> None:
    assert not run(write(tmp_path / "in", with_enrollments(str)), tmp_path / "sound").warnings
    spoiled = write(tmp_path / "spoiled", with_enrollments("{}.0".format))
    low, near = run(spoiled, tmp_path / "home").warnings
    assert low.startswith("step_activity: only 0 of the 24 rows that name an enrollment name one of the same")
    assert "12 of 12 unknown enrollment ids match after removing '.0'" in near
    with pytest.raises(RunBlocked, match="with a known enrollment fell from 100% to 0%"):
        run(spoiled, tmp_path / "sound", NEXT)


def test_attempts_that_name_the_enrollments_of_other_learners_are_warned_of(tmp_path: Path) -> None:
    (low,) = run(write(tmp_path / "in", with_enrollments(lambda id: "e0001")), tmp_path / "home").warnings
    assert "only 2 of the 24 rows that name an enrollment" in low


def test_activity_at_courses_outside_every_path_does_not_block_a_run(tmp_path: Path) -> None:
    tables = earned_by(10)
    run(write(tmp_path / "in", tables), tmp_path / "home")
    library = [
        {**row, "activity_id": f"library {n}", "step_id": f"course {n}", "session_id": None}
        for n, row in enumerate(tables["step_activity"])
    ]
    more = write(tmp_path / "next", {**tables, "step_activity": tables["step_activity"] + library})
    assert run(more, tmp_path / "home", NEXT).matched["acme"].shares()["step"] == 0.5


def test_near_matches_of_several_kinds_are_all_named(tmp_path: Path) -> None:
    tables = earned_by(3)
    forms = ("101.0", " 101", "0101 ", "101", "101", "101")
    attempts = [{**row, "session_id": id} for row, id in zip(tables["step_activity"], forms, strict=True)]
    warnings = run(write(tmp_path / "in", {**tables, "step_activity": attempts}), tmp_path / "home").warnings
    assert [it.partition(" after ")[2].partition(",")[0] for it in warnings if " after " in it] == [
        "removing '.0'",
        "removing spaces around them",
        "all of these changes together",
    ]


def test_near_match_in_one_form_is_found_whatever_other_forms_the_ids_have(tmp_path: Path) -> None:
    tables = edited(
        edited(earned_by(6), "path_sessions", session_id="0101"), "enrollments", session_id="0101"
    )
    source = write(tmp_path / "in", edited(tables, "step_activity", session_id="\t0101"))
    near = [it for it in run(source, tmp_path / "home").warnings if " after " in it]
    assert [it.partition(" after ")[2].partition(",")[0] for it in near] == ["removing spaces around them"]
