"""`lookup --explain` accounts for every attempt: counted, or not counted and why."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from flows.report.attempt_labels import number
from pathstats.cli.render import console
from pathstats.explain import Explanation, explanation
from pathstats.lookup import PathStats
from schemas.errors import ReleaseTooOld
from tests.helpers.one_run import as_ndjson, as_parquet, latest, run
from tests.reference.tables import at, world

SAID = {
    "A": [
        "2 Mar 60.5 % counts: 60.5 % < 80 %, attempt 1 of 2",
        "3 Mar - counts: no score, 80 % needed, attempt 2 of 2",
        "4 Mar 90 % not counted: in session elsewhere, which is unknown, not completed",
    ],
    "B": ["2 Mar - counts: 1,200 s < 1,800 s", "3 Mar - counts: not completed, 40 % done; uses no attempt"],
    "C": [
        "2 Mar - counts: satisfies the step",
        "3 Mar - counts: 60.5 s > 60 s",
        "15 Mar - not counted: begun after the end of the session (15 March 2026)",
        "16 Mar - counts: completed after the end of the session (15 March 2026), so not finished",
    ],
    "D": ["1 Feb 90 % counts: carried over from outside this session, satisfies the step"],
    "E": [
        "1 Feb 70 % counts: carried over, outside any session: 70 % < 80 %",
        "2 Mar 90 % counts: satisfies the step",
    ],
    "X": ["2 Mar - counts: not passed by the assessor"],
    "Z": ["2 Mar - not counted: the step is not counted on this path"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("attempts")
    tables = world(
        steps="""
        step | type       | min_score | limit | time_limit      | examination
        A    | course     | 80        | 2     |                 |
        B    | course     |           |       | at least 1800 s |
        C    | course     |           |       | at most 60 s    |
        D    | course     |           |       |                 |
        E    | course     | 80        |       |                 |
        X    | assessment |           |       |                 | yes
        """,
        sessions="session | ends \n S | 15 Mar",
        activity="""
        step | session   | started | completed | score | progress | time_ms
        A    | S         | 2 Mar   | 2 Mar     | 60.5  |          |
        A    | S         | 3 Mar   | 3 Mar     |       |          |
        A    | elsewhere | 4 Mar   |           | 90    |          |
        B    | S         | 2 Mar   | 2 Mar     |       |          | 1_200_000
        B    | S         | 3 Mar   |           |       | 40       |
        C    | S         | 2 Mar   | 2 Mar     |       |          | 60_000
        C    | S         | 3 Mar   | 3 Mar     |       |          | 60_500
        C    | S         | 15 Mar  | 15 Mar    |       |          |
        C    | S         | 14 Mar  | 16 Mar    |       |          |
        D    | -         | 1 Feb   | 1 Feb     | 90    |          |
        E    | -         | 1 Feb   | 1 Feb     | 70    |          |
        E    | S         | 2 Mar   | 2 Mar     | 90    |          |
        X    | S         | 2 Mar   | 2 Mar     |       |          |
        Z    | S         | 2 Mar   | 2 Mar     |       |          |
        """,
    )
    run(as_parquet(place / "in", tables), place / "home", at("20 Mar"))
    return place / "home"


def explained(home: Path, user: str = "u1", session: str = "S") -> Explanation:
    return explanation(PathStats(home).find(session, user, company_id="acme"))


def listed(it: Explanation) -> dict[str, list[str]]:
    """Each step's attempts: when, score and words."""
    found: dict[str, list[str]] = {}
    for line in it.attempts or []:
        when = f"{line.at.day} {line.at:%b}" if line.at else "-"
        score = "-" if line.score is None else f"{number(line.score)} %"
        found.setdefault(line.step_id, []).append(f"{when} {score} {line.words}")
    return found


def test_every_attempt_at_every_step_is_accounted_for(home: Path) -> None:
    assert listed(explained(home)) == SAID


def test_attempts_that_satisfy_a_step_again_are_summed_with_the_first(tmp_path: Path) -> None:
    tables = world(
        steps="step | min_score \n A | 80",
        activity="step | completed | score \n A | 2 Mar | 60 \n A | 3 Mar | 85 \n A | 4 Mar | 90",
    )
    run(as_parquet(tmp_path / "in", tables), tmp_path / "home", at("10 Mar"))
    assert listed(explained(tmp_path / "home")) == {
        "A": [
            "2 Mar 60 % counts: 60 % < 80 %",
            "3 Mar 90 % counts: 2 attempts in the session satisfy the step; shown are the date of the first, "
            "the best score and their total time",
        ]
    }


def test_attempts_of_other_enrollments_and_sessions_have_that_reason(tmp_path: Path) -> None:
    tables = world(
        paths="path | replay \n P | yes",
        steps="step \n A",
        sessions="session | restarts \n S | yes \n T | no",
        enrollments="""
        enrollment | session | user | enrolled | archived
        e1         | S       | u1   | 1 Mar    | 5 Mar
        e2         | S       | u1   | 10 Mar   |
        t1         | T       | u1   | 1 Mar    | 5 Mar
        """,
        activity="""
        session | step | started | completed
        S       | A    | 2 Mar   | 3 Mar
        -       | A    | 2 Mar   | 4 Mar
        T       | A    | 5 Mar   | 6 Mar
        """,
    )
    run(as_parquet(tmp_path / "in", tables), tmp_path / "home", at("20 Mar"))
    replay = "and the path must be replayed in this session"
    assert listed(explained(tmp_path / "home")) == {
        "A": [
            "3 Mar - not counted: begun 2 March 2026, before this enrollment; the session restarts",
            f"4 Mar - not counted: outside any session, {replay}",
            f"6 Mar - not counted: in session T, {replay}",
        ]
    }
    unenrolled = "5 March 2026, when the learner was unenrolled"
    assert listed(explained(tmp_path / "home", session="T")) == {
        "A": [
            f"3 Mar - not counted: in session S, {replay}",
            f"4 Mar - not counted: outside any session, {replay}",
            f"6 Mar - counts: completed after {unenrolled}, so not finished",
        ]
    }


@pytest.fixture(scope="module")
def with_rejected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One learner has a first attempt with a score of 115, another one without a readable time."""
    place = tmp_path_factory.mktemp("rejected")
    tables = world(
        steps="step | min_score | due \n A | 80 | 7 days \n B | | ",
        enrollments="enrollment | user \n e1 | u1 \n e2 | u2",
        activity="""
        activity | user | step | completed | score
        a1       | u1   | A    | 2 Mar     | 115
        a2       | u1   | B    | 3 Mar     |
        a3       | u2   | A    | 2 Mar     | 95
        a4       | u2   | Q    | 2 Mar     | 101
        """,
    )
    tables["step_activity"][3]["session_id"] = None
    run(as_ndjson(place / "in", tables), place / "home", at("10 Mar"))
    return place / "home"


def test_rejected_attempt_is_shown_with_its_reason(with_rejected: Path) -> None:
    found = explained(with_rejected)
    assert any("in quarantine and does not count (step A)" in sentence for sentence in found.sentences)
    rejected, satisfying = (listed(found)[step] for step in ("A", "B"))
    assert satisfying == ["3 Mar - counts: satisfies the step"]
    (line,) = rejected
    assert line.startswith(
        "2 Mar 115 % not counted: attempt a1 is in quarantine, rejected as out_of_range: score is"
    )


def test_rejected_attempts_of_others_and_at_other_paths_are_not_shown(with_rejected: Path) -> None:
    found = explained(with_rejected, "u2")
    assert not any("quarantine" in sentence for sentence in found.sentences)
    assert listed(found) == {"A": ["2 Mar 95 % counts: satisfies the step"]}


def test_no_line_is_wider_than_80_columns(
    home: Path, with_rejected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for found in (explained(home), explained(with_rejected)):
        page = StringIO()
        with redirect_stdout(page):
            console.show_explanation(found)
        shown = page.getvalue()
        blocks = shown[shown.index("attempts at ") :]
        assert max(map(len, blocks.splitlines())) <= 80
        assert blocks.count("attempts at ") == len(listed(found))


def test_release_of_an_older_schema_is_rejected_with_the_remedy(home: Path) -> None:
    file = latest(home).manifest
    manifest = file.read_text("utf-8")
    file.write_text(json.dumps({**json.loads(manifest), "schema_version": "4"}), "utf-8")
    try:
        with pytest.raises(ReleaseTooOld, match=r"schema version 4.* `pathstats run`"):
            explained(home)
    finally:
        file.write_text(manifest, "utf-8")
