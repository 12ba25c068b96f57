"""The page of a session: its learners and their steps, and no one else's."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.report import session_page as pages
from flows.report import session_rows
from flows.report.session_page import session_page
from flows.report.session_rows import rows_of
from schemas.errors import PathSessionNotFound, ReleaseTooOld
from schemas.home import Release
from tests.helpers.one_run import as_ndjson, latest, run
from tests.helpers.training_company import data_of
from tests.reference.tables import expect, world
from tests.report.test_report import words


def test_learners_with_their_steps(release: Release) -> None:
    data = data_of(session_page(release.folder, "acme", "S1"))
    assert data["steps"] == ["A", "B", "X", "C"]
    found = [
        {
            "user": row[0],
            "standing": data["status_counts"][row[1]][0],
            "progress": row[3],
            "score": row[4],
            **dict(zip(data["steps"], row[10], strict=True)),
        }
        for row in data["learners"]
    ]
    # s: successful, f: failed for good, r: to retake, w: awaiting correction, o: overdue, n: open.
    expect(
        found,
        """
        user | standing           | progress | score | A   | B   | X   | C
        u1   | notYetStarted      | 0        |       | o   | n   | n   | n
        u2   | late               | 33       |       | o   | s   | n   | n
        u3   | awaitingCorrection | 66       | 85    | s85 | s   | w   | n
        u4   | toRetake           | 100      | 65    | r60 | s   | s70 | n
        u5   | successful         | 100      | 78    | s85 | s   | s70 | n
        u6   | unsuccessful       | 33       | 70    | f70 | n   | n   | n
        u7   | onTime             | 33       | 85    | s85.25 | n | n   | n
        u8   | notYetStarted      | 0        |       | n   | n   | n   | n""",
    )
    late = {row[0]: row[6] for row in data["learners"] if row[6] is not None}
    archived = [row[0] for row in data["learners"] if row[9] is not None]
    assert (sorted(late), archived) == (["u1", "u2"], ["u8"])


def test_session_page_counts_the_outcomes_of_each_step(release: Release) -> None:
    text = words(session_page(release.folder, "acme", "S1"))
    # learners, successful, failed, awaiting correction, overdue, mean score
    assert "1 A 7 43 % 2 0 2 77 %" in text
    assert "3 X 7 29 % 0 1 0 70 %" in text
    assert "4 C optional 7 0 % 0 0 0 –" in text
    assert "7 learners; 1 more is archived" in text
    assert "1 March 2026, 00:00 UTC to 20 March 2026, 00:00 UTC · open" in text


@pytest.mark.parametrize(("company", "session"), [("acme", "S3"), ("acme", "SX"), ("other", "S1"), ("", "")])
def test_session_of_another_company_is_not_found(release: Release, company: str, session: str) -> None:
    with pytest.raises(PathSessionNotFound):
        session_page(release.folder, company, session)


def test_names_only_where_they_are_asked_for(release: Release) -> None:
    assert "@example.org" not in session_page(release.folder, "acme", "S1")
    named = data_of(session_page(release.folder, "acme", "S0", with_names=True))
    assert named["people"] == {
        "u10": ["First u10", "u10@example.org"],
        "u9": ["First u9", "u9@example.org"],
    }


def test_session_page_is_bounded_and_names_the_rest(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_LEARNERS", 3)
    html = session_page(release.folder, "acme", "S1")
    assert [row[0] for row in data_of(html)["learners"]] == ["u1", "u2", "u3"]
    assert "This list has the first 3 of 8 learners by id" in words(html)
    assert "7 learners; 1 more is archived" in words(html)


def test_a_session_without_learners_has_a_page(release: Release) -> None:
    html = session_page(release.folder, "acme", "S8")
    assert "No learner is enrolled." in words(html)
    assert data_of(html)["learners"] == []


@pytest.mark.parametrize("at_once", [0, 3, 20_000])
def test_a_session_is_the_same_however_many_are_read_at_once(
    release: Release, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(session_rows, "_ENROLLMENTS", at_once)
    asked = ["S9", "S0", "S8", "S1", "S2"]
    found = rows_of(release, "acme", asked, with_names=True)
    learners = {
        session: {user: rows.people[user][1] for user in rows.learners["user_id"]}
        for session, rows in zip(asked, found, strict=True)
    }
    mail = {user: f"{user}@example.org" for user in (f"u{number}" for number in range(1, 11))}
    assert learners == {
        "S9": {"u1": mail["u1"]},
        "S0": {user: mail[user] for user in ("u9", "u10")},
        "S8": {},
        "S1": {user: mail[user] for user in ("u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8")},
        "S2": {user: mail[user] for user in ("u1", "u9")},
    }
    steps = {
        session: rows.steps.height
        for session, rows in zip(asked, rows_of(release, "acme", asked, with_names=False), strict=True)
    }
    assert steps == {session: 4 * len(users) for session, users in learners.items()}


def test_attempts_that_do_not_count_or_fail_a_condition_are_listed(release: Release) -> None:
    data = data_of(session_page(release.folder, "acme", "S1"))
    listed = {
        row[0]: [(number, score, words) for number, _, _, score, _, words in attempts]
        for row, attempts in zip(data["learners"], data["attempts"], strict=True)
        if attempts
    }
    assert listed == {
        "u4": [(1, 60.0, "counts: 60 % < 80 %, attempt 1 of 2")],
        "u6": [
            (1, 60.0, "counts: 60 % < 80 %, attempt 1 of 2"),
            (1, 70.0, "counts: 70 % < 80 %, attempt 2 of 2"),
        ],
    }


def test_a_rejected_attempt_is_listed_with_its_reason(tmp_path: Path) -> None:
    tables = world(steps="step \n A", activity="step | completed | score \n A | 2 Mar | 115")
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    data = data_of(session_page(latest(tmp_path / "home").folder, "acme", "S"))
    ((attempt,),) = data["attempts"]
    assert attempt[:2] == [1, "A"]
    assert "attempt a1 is in quarantine, rejected as out_of_range: score is" in attempt[-1]


def test_attempts_of_a_learner_are_bounded_and_the_rest_is_counted(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_ATTEMPTS", 1)
    data = data_of(session_page(release.folder, "acme", "S1"))
    of_u6 = dict(zip((row[0] for row in data["learners"]), data["attempts"], strict=True))["u6"]
    assert [attempt[-1] for attempt in of_u6] == [
        "counts: 60 % < 80 %, attempt 1 of 2",
        "1 more; `pathstats lookup --explain` lists all of them",
    ]


def test_page_of_a_release_of_an_older_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run("demo:learners=200", tmp_path)
    release = latest(tmp_path)
    manifest = json.loads(release.manifest.read_text("utf-8"))
    release.manifest.write_text(json.dumps({**manifest, "schema_version": "4"}), "utf-8")
    session = pl.read_parquet(release.table("path_sessions"))["session_id"][0]
    with pytest.raises(ReleaseTooOld, match=r"schema version 4.* `pathstats run`") as refused:
        session_page(release.folder, "northwind-academy", session)
    assert (refused.value.exit_code, refused.value.status_code) == (4, 404)
