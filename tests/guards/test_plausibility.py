"""Plausibility warnings: one line each, with column, count and a row; they block only a strict run."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pathstats.cli.main import app
from schemas.errors import RunBlocked
from tests.helpers.class_of_learners import FIRST, NEXT, earned_by, edited, run, write
from tests.reference.rows import Tables
from tests.reference.tables import at


def at_midnight(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(hour=0, minute=0)


def earlier(days: int) -> Any:
    return lambda moment: moment and moment - timedelta(days=days)


TIMES = ("started_at", "last_activity_at", "completed_at")
SPOILED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "scores on a scale from 0 to 1": (
        "step_activity",
        {"score": 1},
        ["step_activity: score never exceeds 1; it is a percentage, 0 to 100 (12 rows, e.g. row 1)."],
    ),
    "progress on a scale from 0 to 1": (
        "step_activity",
        {"progress": 1},
        ["step_activity: progress never exceeds 1; it is a percentage, 0 to 100 (12 rows, e.g. row 1)."],
    ),
    "least scores on a scale from 0 to 1": (
        "path_steps",
        {"min_score": 1},
        [],
    ),
    "times before 2000": (
        "enrollments",
        {"enrolled_at": at("1 Mar 1970 08:00")},
        ["enrollments: enrolled_at is before the year 2000 (6 rows, e.g. row 1)."],
    ),
    "times after as_of": (
        "step_activity",
        {"last_activity_at": at("25 Mar 09:00")},
        ["step_activity: last_activity_at is more than a day after as_of (12 rows, e.g. row 1)."],
    ),
    "completed long before": (
        "step_activity",
        dict.fromkeys(TIMES, earlier(40)),
        [
            f"step_activity: completed_at is more than 30 days before {event} (12 rows, e.g. row 1)."
            for event in ("the session starts", "the learner was enrolled")
        ],
    ),
    "more time spent than the clock": (
        "step_activity",
        {"time_spent_ms": 30 * 60_000 + 60_001},
        [
            "step_activity: time_spent_ms is more than the time between start and last activity "
            "(12 rows, e.g. row 1)."
        ],
    ),
    "as much time spent as the clock allows": ("step_activity", {"time_spent_ms": 31 * 60_000}, []),
    "all times at midnight": (
        "step_activity",
        dict.fromkeys(TIMES, at_midnight) | {"time_spent_ms": 0},
        [
            f"step_activity: {column} is at midnight UTC in every row, as if times were cut off "
            "(12 rows, e.g. row 1)."
            for column in TIMES
        ],
    ),
    "all activity outside sessions": (
        "step_activity",
        {"session_id": None},
        [
            "step_activity: session_id is empty in every row: no attempt was made in a session "
            "(12 rows, e.g. row 1)."
        ],
    ),
    "an e-mail that many share": (
        "users",
        {"email": "Info@Example.org"},
        ["users: email is shared by more than 5 users (6 rows, e.g. row 1)."],
    ),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_implausible_rows_are_one_line_with_column_count_and_row(tmp_path: Path, kind: str) -> None:
    table, values, warnings = SPOILED[kind]
    source = write(tmp_path / "in", edited(earned_by(6), table, **values))
    assert run(source, tmp_path / "home").warnings == warnings


def test_scale_of_a_few_least_scores_is_noticed_from_three_on(tmp_path: Path) -> None:
    tables = earned_by(6)
    more = [{**tables["path_steps"][0], "step_id": id, "position": 9, "optional": True} for id in "CDE"]
    steps = edited({**tables, "path_steps": tables["path_steps"] + more}, "path_steps", min_score=1)
    (warning,) = run(write(tmp_path / "in", steps), tmp_path / "home").warnings
    assert (
        warning == "path_steps: min_score never exceeds 1; it is a percentage, 0 to 100 (5 rows, e.g. row 1)."
    )


def test_scale_of_one_of_two_companies_is_noticed(tmp_path: Path) -> None:
    small = edited(earned_by(6), "step_activity", score=1)
    other = {name: [{**row, "company_id": "other"} for row in rows] for name, rows in earned_by(6).items()}
    both = {name: rows + other[name] for name, rows in small.items()}
    (warning,) = run(write(tmp_path / "in", both), tmp_path / "home").warnings
    assert warning.startswith("step_activity: score never exceeds 1")


def attempts(count: int) -> Tables:
    tables = earned_by(6)
    first = tables["step_activity"][0]
    more = [{**first, "activity_id": f"again {number}"} for number in range(count - 1)]
    return {**tables, "step_activity": tables["step_activity"] + more}


@pytest.mark.parametrize(("count", "is_implausible"), [(100, False), (101, True)])
def test_more_than_100_attempts_at_one_step_are_implausible(
    tmp_path: Path, count: int, is_implausible: bool
) -> None:
    warnings = run(write(tmp_path / "in", attempts(count)), tmp_path / "home").warnings
    text = "step_activity: user_id has more than 100 attempts at one step_id (101 rows, e.g. row 1)."
    assert warnings == ([text] if is_implausible else [])


def test_plausible_class_has_no_warning(tmp_path: Path) -> None:
    assert not run(write(tmp_path / "in", earned_by(12)), tmp_path / "home").warnings


def test_e_mails_do_not_reach_a_warning(tmp_path: Path) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), "users", email="info@example.org"))
    shown = CliRunner().invoke(app, ["check", f"files:{source}", "--as-of", FIRST.isoformat()])
    assert "email is shared by more than 5 users" in shown.stdout
    assert "example.org" not in shown.stdout


def test_strict_run_is_blocked_by_a_plausibility_warning(tmp_path: Path) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), "step_activity", score=1))
    with pytest.raises(RunBlocked, match="Not plausible: step_activity: score never exceeds 1") as blocked:
        run(source, tmp_path / "home", strict=True)
    assert blocked.value.exit_code == 5
    run(write(tmp_path / "plausible", earned_by(6)), tmp_path / "home", NEXT, strict=True)


def test_strict_check_ends_with_the_exit_code_of_a_blocked_run(tmp_path: Path) -> None:
    source = write(tmp_path / "in", edited(earned_by(6), "step_activity", score=1))
    command = ["check", f"files:{source}", "--as-of", FIRST.isoformat()]
    assert CliRunner().invoke(app, command).exit_code == 0
    strict = CliRunner().invoke(app, [*command, "--strict"])
    assert strict.exit_code == 5
    assert "A strict run would be blocked: 1 plausibility warning." in strict.stdout
