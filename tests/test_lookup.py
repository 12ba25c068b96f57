"""The look-up: its responses, how it finds a user, and that it reveals nothing about other companies."""

import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pathstats import PathStats, lookup
from schemas.errors import (
    HomeUnreadable,
    NoRelease,
    NotFound,
    PathSessionNotFound,
    ReleaseDamaged,
    UsageError,
    UserNotEnrolled,
    UserNotFound,
)
from schemas.home import Home
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.one_run import AS_OF, as_parquet, latest, run, small_world
from tests.reference.rows import Tables
from tests.reference.tables import world

NOT_FOUND = {
    PathSessionNotFound: {"error": "path_session_not_found"},
    UserNotFound: {"error": "user_not_found"},
    UserNotEnrolled: {"error": "user_not_enrolled"},
}


def published(folder: Path, tables: Tables) -> Path:
    """A home with one release of these tables."""
    if tables == small_world():
        return home_with_one_release(folder).root
    run(as_parquet(folder / "in", tables), folder / "home")
    return folder / "home"


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> PathStats:
    """One company. `ghost` is enrolled but not a user; `gone` has enrollments but is not a session."""
    tables = world(
        steps="step \n A \n B",
        sessions="""
        session | ends
        S       | 1 Apr
        over    | 5 Mar
        """,
        users="""
        user
        u1
        u2
        u3
        u4
        u5
        back
        left
        """,
        enrollments="""
        enrollment | session | user  | enrolled    | archived
        e1         | S       | u1    |             |
        e2         | S       | u2    |             |
        e3         | S       | u3    |             | 6 Mar 12:00:00.000999
        e4         | over    | u1    |             |
        e5         | gone    | u1    |             |
        e6         | gone    | ghost |             |
        e7         | S       | ghost |             |
        e8         | S       | u5    | 10 Mar 00:01 |
        b1         | S       | back  | 1 Mar       | 2 Mar
        b2         | S       | back  | 3 Mar       |
        b3         | S       | back  | 4 Mar       | 8 Mar
        l1         | S       | left  | 2 Mar       | 4 Mar
        l2         | S       | left  | 1 Mar       | 7 Mar
        """,
        activity="""
        step | user | completed             | score | time_ms
        A    | u1   | 5 Mar                 | 38    | 96455
        A    | u2   | 5 Mar 12:00:00.999999 |       |
        B    | u2   | 4 Mar                 |       |
        A    | back | 5 Mar                 |       |
        A    | left | 6 Mar                 |       |
        """,
    )
    return PathStats(published(tmp_path_factory.mktemp("acme"), tables))


def not_found(stats: PathStats, session: str, user: str, company: str | None = None) -> type[NotFound]:
    """The kind of not-found that the question is answered with."""
    with pytest.raises(NotFound) as found:
        stats.lookup(session, user, company_id=company)
    assert found.value.status_code == 404
    assert found.value.body == NOT_FOUND[type(found.value)]
    return type(found.value)


@pytest.mark.parametrize(
    ("session_exists", "user_exists", "enrolled", "session", "user"),
    [
        (True, True, True, "S", "u1"),
        (True, True, False, "S", "u4"),
        (True, False, True, "S", "ghost"),
        (True, False, False, "S", "nobody"),
        (False, True, True, "gone", "u1"),
        (False, True, False, "gone", "u4"),
        (False, False, True, "gone", "ghost"),
        (False, False, False, "gone", "nobody"),
    ],
)
def test_the_three_conditions_are_asked_in_their_order(
    acme: PathStats, session_exists: bool, user_exists: bool, enrolled: bool, session: str, user: str
) -> None:
    if session_exists and user_exists and enrolled:
        assert acme.lookup(session, user)["progress"] == 50
        return
    expected = (
        PathSessionNotFound if not session_exists else UserNotFound if not user_exists else UserNotEnrolled
    )
    assert not_found(acme, session, user) is expected


@pytest.mark.parametrize(
    ("session", "user", "body"),
    [
        (
            "S",
            "u1",
            '{"progress": 50, "globalTime": 96455, "score": 38, "status": "onTime", "completedAt": null, '
            '"detailedStatus": {"type": "onTime"}, "result": null}',
        ),
        (
            "S",
            "u2",
            '{"progress": 100, "globalTime": 0, "score": null, "status": "completed", '
            '"completedAt": "2026-03-05T12:00:00.999Z", "detailedStatus": {"type": "successful"}, '
            '"result": "successful"}',
        ),
        (
            "S",
            "u3",
            '{"progress": 0, "globalTime": 0, "score": null, "status": "onTime", "completedAt": null, '
            '"detailedStatus": {"type": "notYetStarted"}, "result": null, '
            '"archivedAt": "2026-03-06T12:00:00.000Z"}',
        ),
        (
            "over",
            "u1",
            '{"progress": 0, "globalTime": 0, "score": null, "status": "onTime", "completedAt": null, '
            '"detailedStatus": {"type": "unsuccessful", "reason": "sessionEnded"}, "result": null}',
        ),
    ],
    ids=["the example of the contract", "completed", "archived", "with a reason"],
)
def test_the_body_is_the_endpoint_s_to_the_letter(
    acme: PathStats, session: str, user: str, body: str
) -> None:
    assert acme.body(session, user) == body
    assert json.dumps(acme.lookup(session, user)) == body


def test_learner_enrolled_after_as_of_is_not_enrolled_yet(acme: PathStats) -> None:
    assert not_found(acme, "S", "u5") is UserNotEnrolled


def test_latest_unarchived_enrollment_answers(acme: PathStats) -> None:
    body = acme.lookup("S", "back")
    assert "archivedAt" not in body
    assert body["progress"] == 50


def test_enrollment_archived_last_answers_if_all_are_archived(acme: PathStats) -> None:
    body = acme.lookup("S", "left")
    assert body["archivedAt"] == "2026-03-07T00:00:00.000Z"
    assert body["progress"] == 50


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PathStats:
    """Users with ids and e-mails that are easily confused; all of them are enrolled in S."""
    users = """
    user           | email             | status
    ann            | Ann@Example.ORG   | active
    strauss        | strauß@example.org | active
    ipek           | İpek@example.org  | active
    elodie         | élodie@Ünïcode.fr | invited
    sisyphos       | ΣΊΣΥΦΟΣ@example.gr | active
    kim@acme.org   | other@acme.org    | active
    kim            | kim@acme.org      | active
    u10            | team@acme.org     | active
    u9             | TEAM@acme.org     | active
    u95            | team@acme.org     | deleted
    v1             | door@acme.org     | deleted
    v2             | Door@acme.org     | deleted
    w1             | desk@acme.org     | invited
    w2             | desk@acme.org     | deleted
    U10            | upper@acme.org    | active
    mute           |                   | active
    blank          |                   | active
    padded         | padded@acme.org   | active
    composed       |                   | active
    decomposed     |                   | active
    u7             |                   | active
    u8             |                   | active
    """
    tables = world(steps="step \n A", users=users)
    ids = [row["user_id"] for row in tables["users"]]
    enrolled = "\n".join(["enrollment | user", *(f"e{n} | {user}" for n, user in enumerate(ids))])
    tables = world(steps="step \n A", users=users, enrollments=enrolled)
    for row in tables["users"]:
        row["email"] = {
            "padded": " \tPadded@acme.org ",
            "blank": "  ",
            "composed": "Zo\u00eb@acme.org",
            "decomposed": "Rene\u0301e@acme.org",
            "u7": "Ji\u0159\u00ed@acme.org",
            "u8": "jir\u030ci\u0301@acme.org",
        }.get(row["user_id"], row["email"])
    return PathStats(published(tmp_path_factory.mktemp("people"), tables))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ann", "ann"),
        ("Ann@Example.ORG", "ann"),
        ("ann@example.org", "ann"),
        (" \nANN@EXAMPLE.ORG\t", "ann"),
        ("STRAUSS@EXAMPLE.ORG", "strauss"),
        ("STRAUẞ@example.org", "strauss"),
        ("strauß@example.org", "strauss"),
        ("İPEK@EXAMPLE.ORG", "ipek"),
        ("ÉLODIE@ÜNÏCODE.FR", "elodie"),
        ("σίσυφος@example.gr", "sisyphos"),
        ("padded@ACME.org", "padded"),
        ("zoe\u0308@acme.org", "composed"),
        ("ZOE\u0308@ACME.ORG", "composed"),
        ("ren\u00e9e@acme.org", "decomposed"),
        ("REN\u00c9E@acme.org", "decomposed"),
        # One e-mail in two spellings is shared: the greatest user_id answers.
        ("Ji\u0159\u00ed@acme.org", "u8"),
        ("JIR\u030cI\u0301@acme.org", "u8"),
    ],
)
def test_an_e_mail_is_trimmed_and_in_any_case_and_unicode_form(
    people: PathStats, asked: str, found: str
) -> None:
    assert people.find("S", asked).user_id == found


def test_an_exact_id_goes_before_an_e_mail(people: PathStats) -> None:
    assert people.find("S", "kim@acme.org").user_id == "kim@acme.org"
    assert people.find("S", "Kim@acme.org").user_id == "kim"
    assert people.find("S", " kim@acme.org").user_id == "kim"


@pytest.mark.parametrize("asked", ["ANN", " ann", "u9 ", "Mute", "elodie@unicode.fr", "zoe@acme.org"])
def test_ids_are_exact_and_accents_count(people: PathStats, asked: str) -> None:
    assert not_found(people, "S", asked) is UserNotFound


def test_ids_that_differ_in_case_are_two(people: PathStats) -> None:
    assert (people.find("S", "u10").user_id, people.find("S", "U10").user_id) == ("u10", "U10")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("team@acme.org", "u9"),  # not deleted, then the greatest id as text: u9 > u10
        ("door@acme.org", "v2"),  # all deleted
        ("desk@acme.org", "w1"),  # invited is not deleted
    ],
)
def test_a_shared_e_mail(people: PathStats, asked: str, found: str) -> None:
    assert people.find("S", asked).user_id == found


def test_a_deleted_user_is_found(people: PathStats) -> None:
    assert people.lookup("S", "u95")["progress"] == 0


@pytest.mark.parametrize("asked", ["", " ", "\t\n"])
def test_blank_matches_no_user(people: PathStats, asked: str) -> None:
    assert not_found(people, "S", asked) is UserNotFound


@pytest.fixture(scope="module")
def two_companies(tmp_path_factory: pytest.TempPathFactory) -> PathStats:
    """The same ids and e-mails in both; only in Zen: session Z, user z1, and u2's enrollment."""
    tables = world(
        paths="company | path \n acme | P \n zen | P",
        steps="""
        company | step
        acme    | A
        acme    | B
        zen     | A
        """,
        sessions="""
        company | session
        acme    | S
        zen     | S
        zen     | Z
        """,
        users="""
        company | user | email
        acme    | u1   | ann@example.org
        acme    | u2   | bob@example.org
        zen     | u1   | bob@example.org
        zen     | u2   | ann@example.org
        zen     | z1   | zoe@example.org
        """,
        enrollments="""
        company | enrollment | session | user
        acme    | e1         | S       | u1
        zen     | e1         | S       | u1
        zen     | e2         | S       | u2
        zen     | e3         | Z       | u1
        """,
        activity="""
        company | step | user | completed
        acme    | A    | u1   | 5 Mar
        zen     | A    | u1   | 6 Mar
        """,
    )
    return PathStats(published(tmp_path_factory.mktemp("two"), tables))


def test_the_same_ids_are_other_people_in_another_company(two_companies: PathStats) -> None:
    progress = {
        company: two_companies.lookup("S", "u1", company_id=company)["progress"]
        for company in ("acme", "zen")
    }
    assert progress == {"acme": 50, "zen": 100}
    found = {company: two_companies.find("S", "ann@example.org", company_id=company) for company in progress}
    assert {company: it.user_id for company, it in found.items()} == {"acme": "u1", "zen": "u2"}


@pytest.mark.parametrize(
    ("session", "user", "expected"),
    [
        ("Z", "u1", PathSessionNotFound),
        ("Z", "z1", PathSessionNotFound),
        ("S", "z1", UserNotFound),
        ("S", "zoe@example.org", UserNotFound),
        ("S", "u2", UserNotEnrolled),
        ("S", "bob@example.org", UserNotEnrolled),
    ],
)
def test_session_of_another_company_is_not_found(
    two_companies: PathStats, session: str, user: str, expected: type[NotFound]
) -> None:
    assert not_found(two_companies, session, user, "acme") is expected
    with pytest.raises(NotFound) as elsewhere:
        two_companies.lookup(session, user, company_id="acme")
    with pytest.raises(expected) as nowhere:
        raise expected
    assert (str(elsewhere.value), elsewhere.value.args) == (str(nowhere.value), nowhere.value.args)


@pytest.mark.parametrize("company", ["nobody", "", "ACME", "acme ", "%"])
def test_an_unknown_company_has_nothing(two_companies: PathStats, company: str) -> None:
    assert not_found(two_companies, "S", "u1", company) is PathSessionNotFound


def test_with_two_companies_one_must_be_named(two_companies: PathStats) -> None:
    with pytest.raises(UsageError, match="--company") as asked:
        two_companies.lookup("S", "u1")
    assert "zen" not in str(asked.value)


HOSTILE = ["", "\0", "u1\0", "\ud800", "'", "' OR 1=1 --", "%", "_", "u_", "?1", "\U0010ffff", "x" * 2**20]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_arbitrary_text_is_an_unknown_name(two_companies: PathStats, text: str) -> None:
    assert not_found(two_companies, text, "u1", "acme") is PathSessionNotFound
    assert not_found(two_companies, "S", text, "acme") is UserNotFound
    assert not_found(two_companies, "S", "u1", text) is PathSessionNotFound


def next_run(home: Path, tables: Tables) -> None:
    run(as_parquet(home.parent / "in", tables), home, AS_OF + timedelta(days=1))


def test_a_fresh_release_answers_without_a_restart(tmp_path: Path) -> None:
    home = published(tmp_path, small_world())
    stats = PathStats(home)
    assert stats.lookup("S", "u1")["progress"] == 50
    assert lookup("S", "u1", home=home)["progress"] == 50
    next_run(home, {**small_world(), "step_activity": []})
    assert stats.lookup("S", "u1")["progress"] == 0
    assert lookup("S", "u1", home=home)["progress"] == 0


def test_response_is_from_the_release_it_names(tmp_path: Path) -> None:
    home = published(tmp_path, small_world())
    stats = PathStats(home)
    first = stats.find("S", "u1")
    next_run(home, small_world())
    assert stats.find("S", "u1").release.name != first.release.name
    assert first.release.is_dir()


def test_threads_may_share_an_open_home(tmp_path: Path) -> None:
    home = published(tmp_path, small_world())
    stats = PathStats(home)
    expected = {"u1": 50, "u2": 100, "u3": 0}

    def ask(user: str) -> bool:
        return all(stats.lookup("S", user)["progress"] == expected[user] for _ in range(300))

    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(ask, itertools.islice(itertools.cycle(expected), 12))
        next_run(home, small_world())
        assert all(answers)


def test_a_home_without_a_release(tmp_path: Path) -> None:
    for home in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoRelease, match="pathstats run"):
            PathStats(home).lookup("S", "u1")


def test_a_home_that_can_t_be_read_is_not_one_without_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejected(_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "readlink", rejected)
    with pytest.raises(HomeUnreadable, match=r"latest can't be read \(Permission denied\)") as error:
        PathStats(tmp_path).lookup("S", "u1")
    assert error.value.exit_code == 1


def test_latest_that_is_not_a_link_is_detected_too(tmp_path: Path) -> None:
    (tmp_path / "published" / "latest").mkdir(parents=True)
    with pytest.raises(HomeUnreadable, match="must be a link to a release"):
        PathStats(tmp_path).lookup("S", "u1")


def test_home_below_a_file_has_no_release(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NoRelease):
        PathStats(tmp_path / "file").lookup("S", "u1")


def test_a_home_may_be_called_anything(tmp_path: Path) -> None:
    home = published(tmp_path / "a home #1 100%25 'é", small_world())
    assert PathStats(home).lookup("S", "u1")["progress"] == 50


def test_a_relative_home_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path / "here", small_world())
    published(tmp_path / "there", {**small_world(), "step_activity": []})
    monkeypatch.chdir(tmp_path / "here")
    stats = PathStats("home")
    assert (stats.lookup("S", "u1")["progress"], lookup("S", "u1", home="home")["progress"]) == (50, 50)
    monkeypatch.chdir(tmp_path / "there")
    assert (stats.lookup("S", "u1")["progress"], lookup("S", "u1", home="home")["progress"]) == (50, 0)


def test_the_home_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHSTATS_HOME", str(published(tmp_path, small_world())))
    assert lookup("S", "u2")["progress"] == 100


def answer_or_damage(home: Path) -> Any:
    try:
        return PathStats(home).lookup("S", "u1")["progress"]
    except ReleaseDamaged:
        return ReleaseDamaged


def test_damaged_index_is_reported(tmp_path: Path) -> None:
    """Whatever page is lost: the right answer, or one clear error."""
    home = published(tmp_path, small_world())
    index = latest(home).lookup_index
    whole = index.read_bytes()
    page = int.from_bytes(whole[16:18])  # The page size is in SQLite's header.
    for start in range(0, len(whole), page):
        index.write_bytes(whole[:start] + b"\xff" * page + whole[start + page :])
        assert answer_or_damage(home) in (50, ReleaseDamaged)
    for length in range(0, len(whole), 1_000):
        index.write_bytes(whole[:length])
        assert answer_or_damage(home) in (50, ReleaseDamaged)
    for length in (0, 1, page, len(whole) - page):
        index.write_bytes(whole[:length])
        assert answer_or_damage(home) is ReleaseDamaged
    index.unlink()
    assert answer_or_damage(home) is ReleaseDamaged


def test_latest_without_a_target_is_damage(tmp_path: Path) -> None:
    Home(tmp_path).published.mkdir(parents=True)
    os.symlink("releases/gone-1", Home(tmp_path).latest)
    with pytest.raises(ReleaseDamaged):
        PathStats(tmp_path).lookup("S", "u1")


HEAVY = {"polars", "duckdb", "pandera", "prefect", "typer", "rich", "numpy", "httpx", "flows", "transforms"}


def test_a_look_up_imports_nothing_heavy(tmp_path: Path) -> None:
    home = published(tmp_path, small_world())
    code = (
        "import sys; from pathstats import lookup, scan; "
        f"lookup('S', 'u1', home={str(home)!r}); print(*sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in asked.stdout.split()}
    assert "pathstats" in loaded
    assert not loaded & HEAVY
