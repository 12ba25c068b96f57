"""`lookup --explain` lists waived steps, and the source of a sub-path's results (R16, R17)."""

import pytest

from pathstats.explain import explanation
from pathstats.lookup import PathStats
from tests.helpers.one_run import as_parquet, run
from tests.reference.tables import at, world

Said = dict[tuple[str, str], list[str]]


@pytest.fixture(scope="module")
def output_text(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The explanations of learners in S (quiz A, course B and sub-path Q) and in Q's session C."""
    place = tmp_path_factory.mktemp("explain")
    tables = world(
        paths="path \n P \n Q",
        steps="""
        path | step | type       | limit | min_score
        P    | A    | course     |       |
        P    | B    | course     |       |
        P    | Q    | path       |       |
        Q    | D    | course     | 1     | 50
        Q    | X    | assessment |       |
        """,
        sessions="session | path \n S | P \n C | Q",
        children="session \n C",
        enrollments="""
        enrollment | session | user | archived
        e1         | S       | u1   |
        c1         | C       | u1   |
        e2         | S       | u2   |
        c2         | C       | u2   | 8 Mar
        e3         | S       | u3   |
        """,
        waivers="quiz | threshold | waives \n A | 50 | B \n A | 80 | Q",
        activity="""
        user | session | step | completed | score
        u1   | S       | A    | 2 Mar     | 60.5
        u1   | C       | D    | 3 Mar     | 40
        u2   | S       | A    | 2 Mar     | 40
        u2   | C       | D    | 3 Mar     | 70
        u3   | S       | A    | 2 Mar     | 80
        """,
    )
    run(as_parquet(place / "in", tables), place / "home", at("10 Mar"))
    ask = PathStats(place / "home")
    pairs = [("S", "u1"), ("S", "u2"), ("S", "u3"), ("C", "u1")]
    return {(s, u): explanation(ask.find(s, u, company_id="acme")).sentences for s, u in pairs}


def test_waived_steps_are_named_with_the_score_that_waives_them(output_text: Said) -> None:
    waived = {who: [it for it in words if "R16" in it] for who, words in output_text.items()}
    assert waived == {
        ("S", "u1"): ["Step B does not count: 60.5 % in step A reach 50 %, which waives it (R16)."],
        ("S", "u2"): [],
        ("S", "u3"): [
            "Step B does not count: 80 % in step A reach 50 %, which waives it (R16).",
            "Step Q does not count: 80 % in step A reach 80 %, which waives it (R16).",
        ],
        ("C", "u1"): [],
    }


def test_a_sub_path_is_named_with_the_session_that_decides(output_text: Said) -> None:
    below = {who: [it for it in words if "R17" in it] for who, words in output_text.items()}
    decides = ["Step Q, a sub-path, takes its outcome from the learner's session C (R17)."]
    assert below == {("S", "u1"): decides, ("S", "u2"): decides, ("S", "u3"): [], ("C", "u1"): []}
    assert "unsuccessful: step Q, a sub-path, is unsuccessful in session C (R11.3)." in output_text["S", "u1"]
    assert any("step Q, a sub-path, is unsuccessful" in it and "R12" in it for it in output_text["S", "u1"])
    awaiting = "awaitingCorrection: step Q, a sub-path, is awaitingCorrection in session C (R11.4)."
    assert awaiting in output_text["S", "u2"]
    assert any("not corrected, of sub-path Q (R10)" in it for it in output_text["S", "u2"])
