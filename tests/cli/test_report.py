"""`pathstats report`: pages in a folder, which lead to each other."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pathstats.cli.main import app
from schemas.home import Release
from tests.helpers.one_run import as_ndjson, latest, run
from tests.helpers.training_company import data_of, training
from tests.reference.rows import Tables


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training of `acme`, and one session of `other` with an id that can't be a file name."""
    place = tmp_path_factory.mktemp("report")
    run(as_ndjson(place / "in", with_another_company(training())), place / "home")
    return place / "home"


def with_another_company(tables: Tables) -> Tables:
    other = training()
    for rows in other.values():
        for row in rows:
            row["company_id"] = "other"
    other["path_sessions"] = [
        {**other["path_sessions"][0], "session_id": name} for name in ("../S", "a b", "A B")
    ]
    other["enrollments"], other["step_activity"] = [], []
    return {name: rows + other[name] for name, rows in tables.items()}


def report(home: Path, folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["report", "--home", str(home), "--to", str(folder), *options])


def test_pages_that_were_asked_for_and_links_to_them(home: Path, tmp_path: Path) -> None:
    done = report(home, tmp_path / "out", "S1", "S2", "S1", "--company", "acme")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"Wrote {tmp_path / 'out' / 'report.html'} and 2 pages of sessions.\n"
    files = sorted(str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.html"))
    assert files == ["report.html", "report/S1.html", "report/S2.html"]
    data = data_of((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert {row[0]: row[11] for row in data["sessions"]} == {
        "S1": "S1.html",
        "S2": "S2.html",
        "S0": None,
        "S8": None,
        "S9": None,
    }
    assert len(data_of((tmp_path / "out/report/S1.html").read_text("utf-8"))["learners"]) == 8


def test_report_writes_all_sessions_whatever_their_ids(home: Path, tmp_path: Path) -> None:
    """Each has a file of its own, also where case makes no difference, and none outside the folder."""
    assert report(home, tmp_path / "out", "--all", "--company", "other").exit_code == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {"out"}
    files = [file.name for file in (tmp_path / "out" / "report").iterdir()]
    assert len({name.casefold() for name in files}) == 3
    assert "../S" in {unquote(name).removesuffix(".html") for name in files}


def test_names_only_where_they_are_asked_for(home: Path, tmp_path: Path) -> None:
    for options, has_names in (((), False), (("--with-names",), True)):
        assert report(home, tmp_path, "S1", "--company", "acme", *options).exit_code == 0
        for file in ("report.html", "report/S1.html"):
            assert ("u1@example.org" in (tmp_path / file).read_text("utf-8")) is has_names


def test_the_report_is_the_one_in_the_release(release: Release, tmp_path: Path) -> None:
    """Without a session's page in the folder it is the same to the last byte."""
    home = release.folder.parent.parent.parent
    assert report(home, tmp_path).exit_code == 0
    assert (tmp_path / "report.html").read_bytes() == release.report.read_bytes()


@pytest.mark.parametrize(
    ("options", "output", "code"),
    [
        (("--company", "acme", "nope"), "Session 'nope' does not exist", 4),
        (("--company", "acme", "a b"), "Session 'a b' does not exist", 4),
        (("S1",), "contains 2 companies; choose one with --company", 2),
        (("--company", "ACME"), "does not contain the company 'ACME'", 4),
        (("S1", "--all", "--company", "acme"), "not both", 2),
    ],
)
def test_missing_session_or_company_is_reported_in_one_line(
    home: Path, tmp_path: Path, options: tuple[str, ...], output: str, code: int
) -> None:
    rejected = report(home, tmp_path / "out", *options)
    assert (rejected.exit_code, rejected.stdout) == (code, "")
    assert output in rejected.stderr
    assert len(rejected.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_report_without_a_release_is_an_error(tmp_path: Path) -> None:
    rejected = report(tmp_path, tmp_path / "out")
    assert (rejected.exit_code, "contains no release yet" in rejected.stderr) == (4, True)


def test_the_release_stays_as_it_was(home: Path, tmp_path: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in latest(home).files()}
    report(home, tmp_path, "--all", "--company", "acme")
    assert before == {file.name: file.stat().st_mtime_ns for file in latest(home).files()}


def test_pages_of_an_earlier_report_are_removed_and_foreign_files_stay(home: Path, tmp_path: Path) -> None:
    assert report(home, tmp_path, "--all", "--with-names", "--company", "acme").exit_code == 0
    (tmp_path / "report" / "mine.html").write_text("<!doctype html><p>generator pathstats", "utf-8")
    assert report(home, tmp_path, "--all", "--company", "other").exit_code == 0
    pages = list((tmp_path / "report").iterdir())
    assert len(pages) == 4
    assert tmp_path / "report" / "mine.html" in pages
    assert not [page for page in pages if "@example.org" in page.read_text("utf-8")]
    assert report(home, tmp_path, "--company", "acme").exit_code == 0
    assert [page.name for page in (tmp_path / "report").iterdir()] == ["mine.html"]
