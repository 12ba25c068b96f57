"""`lookup --explain` names the rule that decided, and its sentences about the steps are true."""

import re
from contextlib import redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.report.attempt_labels import day
from pathstats.explain import Explanation, explanation
from pathstats.lookup import PathStats
from tests.helpers.one_run import AS_OF, published, run

Row = dict[str, Any]
RULES = {
    "sessionNotOpened": {"R11.1"},
    "successful": {"R11.2"},
    "unsuccessful": {"R11.3"},
    "awaitingCorrection": {"R11.4"},
    "toRetake": {"R11.5a"},
    "notYetStarted": {"R11.5b"},
    "late": {"R11.5c"},
    "onTime": {"R11.5d"},
}
PER_KIND = 25


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("explain") / "home"
    run("demo:learners=400,seed=3", place, AS_OF)
    return place


@pytest.fixture(scope="module")
def explained(home: Path) -> list[tuple[Row, Explanation]]:
    """Learners of every detailed status and reason, archived and not, each explained."""
    kinds = [
        "detailed_status_type",
        "detailed_status_reason",
        pl.col("archived_at").is_null().alias("active"),
    ]
    rows = (
        published(home, "path_session_stats")
        .filter("is_current")
        .sort("enrollment_id")
        .group_by(kinds, maintain_order=True)
        .head(PER_KIND)
        .to_dicts()
    )
    ask = PathStats(home)
    return [
        (row, explanation(ask.find(row["session_id"], row["user_id"], company_id=row["company_id"])))
        for row in rows
    ]


def test_every_kind_is_among_them(explained: list[tuple[Row, Explanation]]) -> None:
    assert {row["detailed_status_type"] for row, _ in explained} == set(RULES)
    assert {row["detailed_status_reason"] for row, _ in explained} == {
        None,
        "sessionEnded",
        "mandatoryReplay",
    }
    assert {row["archived_at"] is None for row, _ in explained} == {True, False}
    assert {row["status"] for row, _ in explained} == {"completed", "awaitingCorrection", "late", "onTime"}
    assert {row["result"] for row, _ in explained} == {"unsuccessful", "retake", "successful", None}
    assert len(explained) >= 200


def test_the_rule_fits_the_detailed_status(explained: list[tuple[Row, Explanation]]) -> None:
    for row, output in explained:
        _, detailed, *_ = output.sentences
        rules = set(re.findall(r"R11\.\d[a-d]?", detailed))
        if row["detailed_status_reason"] == "sessionEnded":
            assert "R11.6" in rules
            assert len(rules) == 2
            assert rules - {"R11.6"} <= {"R11.5a", "R11.5b", "R11.5c", "R11.5d"}
        else:
            assert rules == RULES[row["detailed_status_type"]], (row, detailed)
        assert detailed.startswith(row["detailed_status_type"])
        assert row["decided_by_step_id"] is None or f"step {row['decided_by_step_id']}" in detailed


def test_explained_detailed_status_is_true(explained: list[tuple[Row, Explanation]]) -> None:
    for row, output in explained:
        _, detailed, *_ = output.sentences
        required = [step for step in output.steps if not step["optional"]]
        by = next((step for step in output.steps if step["step_id"] == row["decided_by_step_id"]), {})
        redo = [step["finished"] or step["replay_pending"] for step in required]
        if "R11.2" in detailed:
            assert required
            assert all(step["successful"] for step in required)
            assert day(row["completed_at"]) in detailed
        if "R11.3" in detailed:
            assert by["exhausted"]
        if "R11.4" in detailed:
            assert by["awaiting_correction"]
        if "R11.5a" in detailed:
            assert all(redo)
            assert by["replay_pending"] if "outside this session" in detailed else by["to_retake"]
        if re.search(r"R11\.5[bcd]", detailed):
            assert not required or not all(redo)
        if "R11.5b" in detailed:
            assert row["started_at"] is None
        if "R11.5c" in detailed:
            assert by["overdue"]
            assert not by["finished"]
            assert f"was due {day(by['due_at'])}" in detailed
        if "R11.5d" in detailed:
            assert row["started_at"] is not None
            assert row["next_due_at"] is None or day(row["next_due_at"]) in detailed


def test_explained_time_is_true(explained: list[tuple[Row, Explanation]]) -> None:
    for row, output in explained:
        moment: datetime = row["archived_at"] or AS_OF
        assert output.sentences[0].startswith(f"As of {day(moment)}, ")
        assert ("unenrolled" in output.sentences[0]) == (row["archived_at"] is not None)


def test_explained_status_is_true(explained: list[tuple[Row, Explanation]]) -> None:
    for row, output in explained:
        _, _, status, *_ = output.sentences
        assert status.startswith(f"Status {row['status']}: ")
        required = [step for step in output.steps if not step["optional"]]
        overdue = [step for step in required if step["overdue"]]
        if row["status"] == "completed":
            assert output.steps
            assert all(step["finished"] for step in output.steps)
            assert str(len(output.steps)) in status
        elif row["status"] == "awaitingCorrection":
            assert any(step["awaiting_correction"] for step in required)
        elif row["status"] == "late":
            named = re.search(r"step (\S+) was due (.+?), not finished", status)
            assert named
            assert (named[1], named[2]) in {(step["step_id"], day(step["due_at"])) for step in overdue}
            assert (f" and {len(overdue) - 1} more" in status) == (len(overdue) > 1)
        else:
            assert not overdue


def test_explained_result_is_true(explained: list[tuple[Row, Explanation]]) -> None:
    flags = {"unsuccessful": "exhausted", "retake": "to_retake"}
    for row, output in explained:
        _, _, _, result, *_ = output.sentences
        assert result.startswith(f"Result {row['result'] or 'null'}: ")
        required = [step for step in output.steps if not step["optional"]]
        if flag := flags.get(row["result"] or ""):
            assert any(step[flag] and f"step {step['step_id']} " in result for step in output.steps)
        elif row["result"] == "successful":
            assert all(step["successful"] for step in required)
        elif required:
            assert any(not step["finished"] for step in required)
            assert not any(step["exhausted"] or step["to_retake"] for step in output.steps)


def test_explanation_shows_valid_until(explained: list[tuple[Row, Explanation]]) -> None:
    untils = set()
    for row, output in explained:
        until = f"until {day(row['valid_until'])}" if row["valid_until"] else "for good"
        assert output.sentences[-1] == f"Without new data this stays so {until}."
        assert row["archived_at"] is None or until == "for good"
        untils.add(until)
    assert len(untils) > 20


@pytest.fixture(scope="module")
def shown(explained: list[tuple[Row, Explanation]]) -> list[tuple[Explanation, str]]:
    """A few explanations as the screen shows them."""
    from pathstats.cli.render import console

    pages = []
    for _, output in explained[::9]:
        page = StringIO()
        with redirect_stdout(page):
            console.show_explanation(output)
        pages.append((output, page.getvalue()))
    return pages


def test_the_table_has_each_step_in_its_order(shown: list[tuple[Explanation, str]]) -> None:
    for output, page in shown:
        lines = page.splitlines()
        assert lines[1 : len(output.sentences) + 1] == output.sentences
        places = [page.index(step["step_id"], page.index("outcome")) for step in output.steps]
        assert places == sorted(places)
