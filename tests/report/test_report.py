"""The report is true, and shows one company only."""

import base64
import hashlib
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.database.connection import Connection
from flows.release import catalog, retention
from flows.report import worklists as attending
from flows.report.release_views import opened
from flows.report.report_page import Run, write_report
from flows.report.worklists import attention
from pathstats.cli.main import app
from schemas.home import Home, Release
from schemas.manifest import Manifest, StatusCounts
from tests.helpers.home_with_releases import home_with_one_release, runs
from tests.helpers.one_run import AS_OF, as_ndjson, assert_complete, latest, run
from tests.helpers.training_company import data_of, published, training
from tests.reference.tables import expect

# By hand, from the training itself.
RIGHT = {
    "late": """
        session | user | moment | progress | standing      | steps
        S2      | u1   | 27 Feb | 0        | notYetStarted | 1
        S1      | u1   | 8 Mar  | 0        | notYetStarted | 1
        S1      | u2   | 8 Mar  | 33       | late          | 1""",
    "ending": """
        session | user | moment | progress | standing      | steps
        S1      | u1   | 20 Mar | 0        | notYetStarted | 3
        S1      | u2   | 20 Mar | 33       | late          | 2
        S1      | u4   | 20 Mar | 100      | toRetake      | 0
        S1      | u7   | 20 Mar | 33       | onTime        | 2""",
    "retake": """
        session | user | moment | progress | standing | step
        S1      | u4   | 6 Mar  | 100      | toRetake | A""",
    "correction": """
        session | user | moment | progress | standing           | step
        S1      | u3   | 4 Mar  | 66       | awaitingCorrection | X""",
}


def test_learners_who_need_attention_are_listed_in_order(release: Release) -> None:
    with opened(release) as connection:
        groups = attention(connection, "acme", AS_OF)
    assert [group.kind.name for group in groups] == list(RIGHT)
    for group in groups:
        rows = group.rows.to_dicts()
        expect(rows, RIGHT[group.kind.name])
        assert group.total == len(rows) == sum(group.by_session.values())
        assert all(row["is_listed"] for row in rows)


@pytest.mark.parametrize("name", RIGHT)
def test_query_next_to_a_list_returns_all_its_learners(release: Release, html: str, name: str) -> None:
    """As a person asks it who copies it from the page."""
    home = release.folder.parent.parent.parent
    (panel,) = re.findall(rf'id="panel-{name}".*?<pre>(.*?)</pre>', html, re.DOTALL)
    sql = panel.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    asked = CliRunner().invoke(app, ["query", sql, "--format", "json", "--home", str(home)])
    assert (asked.exit_code, asked.stderr) == (0, "")
    answer = [{**row, "moment": datetime.fromisoformat(row["moment"])} for row in json.loads(asked.stdout)]
    expect(answer, RIGHT[name])


def test_report_counts_learners_by_status_with_changes(release: Release, html: str) -> None:
    counts = {
        "successful": 2,
        "onTime": 2,
        "awaitingCorrection": 1,
        "toRetake": 1,
        "late": 1,
        "notYetStarted": 2,
        "unsuccessful": 2,
        "sessionNotOpened": 1,
    }
    (standing,) = Manifest.read(release.manifest).companies.items()
    assert standing == ("acme", StatusCounts({**counts}, late=3, archived=1))
    text = words(html)
    assert "As of 10 March 2026, 00:00 UTC" in text
    assert "12 enrollments in 5 sessions" in text
    assert "1 more is archived and not counted here. 3 are late: a required step is overdue" in text
    # On 8 March u2 was on time still, and all others stood where they stand.
    assert "1 8 % Started and late A step is overdue. +1 net since the last run" in text
    assert "2 17 % On time Started, nothing overdue. −1 net since the last run" in text
    assert text.count("unchanged since the last run") == 6
    # R18: on 8 March nothing was overdue in S1 yet, at u2 who has started as at u1 who has not.
    assert "Late 2 0 +2 Successful 0 0 0 To retake 0 0 0 Unsuccessful 0 0 0" in text
    assert "3 late = 1 started and late + 2 not yet started." in text
    # The endpoint's `status` also has u9 in S0, which has ended, and u1 in S9, which has not opened.
    assert "status = late is 5 here" in text
    assert "detailedStatus = late is 1, only learners who have started" in text
    assert "1 with completion date moved" in text


def test_sessions_and_what_each_opens_to(html: str) -> None:
    data = data_of(html)
    kinds = [kind for kind, _ in data["status_counts"]]
    found = [
        {
            "session": row[0],
            "name": row[1],
            "state": ("not opened", "open", "ended")[row[2]],
            "learners": row[5],
            "archived": row[6],
            **dict(zip(kinds, row[10], strict=True)),
            "late": row[7],
            "progress": row[8],
            "score": row[9],
        }
        for row in data["sessions"]
    ]
    expect(
        found,
        """
        session | name       | state      | learners | archived | late | progress | score | successful
        S1      | name of S1 | open       | 7        | 1        | 2    | 52.1     | 76.6  | 1
        S2      | name of S2 | open       | 2        | 0        | 1    | 16.5     | 90    | 0
        S0      | name of S0 | ended      | 2        | 0        | 0    | 50       | 78    | 1
        S8      | name of S8 | not opened | 0        | 0        | 0    |          |       | 0
        S9      | name of S9 | not opened | 1        | 0        | 0    | 0        |       | 0""",
    )
    by_session = {group["name"]: group["bySession"] for group in data["attention"]}
    assert by_session["late"] == {"0": 2, "1": 1}
    assert by_session["ending"] == {"0": 4}


def test_spread_quality_and_course(html: str) -> None:
    text = words(html)
    assert "Of 12 enrollments, 4 have no progress yet and 3 have finished every required step." in text
    assert "7 enrollments have a score; 5 have none yet." in text
    assert "From 2 on 8 March 2026 to 2, over 2 runs." in text  # successful
    assert "From 1 on 8 March 2026 to 3, over 2 runs." in text  # late
    assert "1 row was rejected, and 1 valid row is pending" in text
    assert "users a value is not allowed bad_enum 1" in text
    assert "enrollments its session has not been delivered unknown_session 1" in text


def words(html: str) -> str:
    """The page's text."""
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", html.partition("<body>")[2], flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", body)
    return re.sub(r"\s+([.,;:])", r"\1", " ".join(text.split()))


def test_names_and_e_mails_only_where_they_are_asked_for(tmp_path: Path, release: Release, html: str) -> None:
    assert "@example.org" not in html
    assert "First u1" not in html
    shutil.copytree(release.folder, tmp_path / "release")
    messages = Manifest.read(release.manifest)
    without_past = Run(AS_OF, messages.companies, messages.tables_in, None, {}, [])
    with Connection() as connection:
        write_report(connection, tmp_path / "release", without_past, with_names=True)
    people = data_of(Release(tmp_path / "release").report.read_text("utf-8"))["people"]
    assert people["u1"] == ["First u1", "u1@example.org"]
    assert set(people) == {"u1", "u2", "u3", "u4", "u7"}


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, release: Release) -> None:
    """Also after a full refresh; and the manifest has their hashes."""
    again = published(tmp_path, training(), full_refresh=True)
    assert again.report.read_bytes() == release.report.read_bytes()
    assert "report.html" in assert_complete(release).files


def test_lists_are_bounded_and_the_rest_is_counted(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attending, "LISTED", 1)
    monkeypatch.setattr(attending, "_LISTED_IN_SESSIONS", 8)
    with opened(release) as connection:
        late, ending, *_ = attention(connection, "acme", AS_OF)
    # Three of each kind in a session are 8 rows: 2 and 1 late, 3 ending, 1 to retake, 1 to correct.
    assert late.rows.select("user_id", "is_listed").rows() == [("u1", True), ("u1", False), ("u2", False)]
    assert ending.rows.select("user_id", "is_listed").rows() == [
        ("u1", True),
        ("u2", False),
        ("u4", False),
    ]
    assert ending.total == 4


def test_a_release_without_anybody_has_a_page_too(tmp_path: Path, release: Release) -> None:
    tables = training()
    tables["enrollments"], tables["step_activity"] = tables["enrollments"][-1:], tables["step_activity"][:1]
    run(as_ndjson(tmp_path / "nobody", tables), tmp_path / "home")
    text = words(latest(tmp_path / "home").report.read_text("utf-8"))
    assert "No learner is enrolled." in text
    shutil.copytree(release.folder, tmp_path / "release")
    with Connection() as connection:
        write_report(connection, tmp_path / "release", Run(AS_OF, {}, {}, None, {}, []))
    text = words(Release(tmp_path / "release").report.read_text("utf-8"))
    assert "This release contains no company yet." in text


# A company with markup in its name.
OTHER = "</script><img src=x onerror=alert(1)>/…🎓"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Two companies with the same ids, in the same two runs."""
    tables = training()
    other = training()
    for rows in other.values():
        for row in rows:
            row["company_id"] = OTHER
    other["path_sessions"] = [{**row, "name": f"secret {row['name']}"} for row in other["path_sessions"]]
    other["enrollments"] = [row for row in other["enrollments"] if row["user_id"] != "u2"]
    other["step_activity"] = other["step_activity"][:-3]
    together = {name: rows + other[name] for name, rows in tables.items()}
    return published(tmp_path_factory.mktemp("companies"), together)


def test_company_has_a_page_of_its_own(both: Release) -> None:
    manifest = assert_complete(both)
    pages = sorted(name for name in manifest.files if name.startswith("report/"))
    assert len(pages) == 2
    assert "report/acme.html" in pages
    listing = both.report.read_text("utf-8")
    links = re.findall(r'<a href="(report/[^"]+)"', listing)
    assert sorted(link.replace("%25", "%") for link in links) == pages
    assert OTHER not in listing
    for page in pages:
        assert (both.folder / page).is_file()


def test_neither_company_sees_the_other(both: Release, html: str) -> None:
    acme = (both.folder / "report" / "acme.html").read_text("utf-8")
    assert data_of(acme) == data_of(html)
    assert "secret" not in acme
    assert "img src=x" not in acme
    # Figures of both companies together are shown to neither.
    assert "Rows read" in html
    assert "Rows read" not in acme
    (other,) = set((both.folder / "report").iterdir()) - {both.folder / "report" / "acme.html"}
    output = data_of(other.read_text("utf-8"))
    assert "acme" not in other.read_text("utf-8")
    assert {row[1].split()[0] for row in output["sessions"]} == {"secret"}
    assert next(group["bySession"] for group in output["attention"]) == {"0": 1, "1": 1}


def test_nothing_of_the_data_is_markup(both: Release) -> None:
    for file in both.folder.rglob("*.html"):
        text = file.read_text("utf-8")
        assert "<img" not in text
        assert len(re.findall(r"<script", text)) in (0, 2)


def test_only_hashes_of_what_is_in_it_may_run(html: str) -> None:
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[0]
    policy = policy.replace("&#39;", "'")
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    for name, text in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    assert "style=" not in html.partition("<body>")[2].partition("<script")[0]


def test_earlier_runs_are_those_published_last_of_each_earlier_instant(tmp_path: Path) -> None:
    """Manifests of deleted releases count; releases for the same or a later time don't."""
    home = home_with_one_release(tmp_path)
    ids = runs(home, 1, 3, 5, 12)
    assert [it.release_id for it in catalog.earlier(home, AS_OF, most=90)] == ids[:3]
    retention.delete_beyond(home, 2, latest(home.root).folder.name)
    assert [it.release_id for it in catalog.earlier(home, AS_OF, most=90)] == ids[:3]
    assert [it.release_id for it in catalog.earlier(home, AS_OF, most=2)] == ids[1:3]
    assert catalog.earlier(home, AS_OF - timedelta(days=30), most=90) == []
    (home.release(latest(home.root).folder.name).manifest).write_text("torn")
    assert [it.release_id for it in catalog.earlier(home, AS_OF, most=90)] == ids[:3]


def test_a_manifest_of_before_reports_were_made_is_read(tmp_path: Path) -> None:
    home: Home = home_with_one_release(tmp_path)
    manifest = latest(home.root).manifest
    facts = json.loads(manifest.read_text("utf-8"))
    del facts["companies"]
    manifest.write_text(json.dumps(facts), "utf-8")
    assert Manifest.read(manifest).companies == {}


def test_a_release_of_a_company_that_is_new_in_it_compares_with_nothing(tmp_path: Path) -> None:
    """The very first release is named as such, and has no chart over time."""
    home = home_with_one_release(tmp_path)
    text = words(latest(home.root).report.read_text("utf-8"))
    assert "No earlier release to compare with" in text
    assert "This chart needs releases of earlier days" in text


def test_status_counts_equal_the_tables(release: Release) -> None:
    stats = pl.read_parquet(release.table("path_session_stats")).filter(pl.col("is_current"))
    (standing,) = Manifest.read(release.manifest).companies.values()
    assert standing.enrolled + standing.archived == stats.height
