"""The output of `pathstats releases`, `rollback`, `verify` and `status`, for people and monitors."""

import json
import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from pathstats.cli.main import app
from pathstats.cli.render import console, release_list, release_status
from schemas.home import Home
from tests.helpers.home_with_releases import MADE, edit_manifest, home_with_one_release, ids, runs, shelve
from tests.helpers.one_run import AS_OF

FIRST, EARLY, LATE = "20260310T000000Z-1", "20260301T000000Z-1", "20260302T000000Z-1"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EARLY and LATE, then FIRST, which answers."""
    home = home_with_one_release(tmp_path_factory.mktemp("three"))
    runs(home, 1, 2)
    return home.root


@pytest.fixture
def home(three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    shutil.copytree(three, tmp_path / "home", symlinks=True)
    narrow = Console(highlight=False, width=80)
    for module in (console, release_list, release_status):
        monkeypatch.setattr(module, "screen", narrow)
    monkeypatch.delenv("PATHSTATS_KEEP", raising=False)
    return Home(tmp_path / "home")


def ask(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home.root)])


def facts(home: Home, *arguments: str) -> dict[str, Any]:
    """The command's JSON output, with nothing else on stdout."""
    messages: dict[str, Any] = json.loads(ask(home, *arguments, "--json").stdout)
    return messages


# releases


def test_the_list_newest_first_with_a_star_at_the_latest(home: Home) -> None:
    shown = ask(home, "releases")
    assert (shown.exit_code, shown.stderr) == (0, "")
    header, *rows = [line.rstrip() for line in shown.stdout.splitlines()][:4]
    assert header.split("  ")[1] == "release"
    assert [row.split()[0] for row in rows] == ["*", LATE, EARLY]
    assert re.fullmatch(rf"  {LATE}  2026-03-02 00:00  2020-03-11 02:00 +3  \d+\.\d kB", rows[1]), (
        "as of, made, enrollments, size"
    )
    assert max(map(len, (header, *rows))) <= 80
    assert "Rolled back" not in shown.stdout
    assert "3 releases" in shown.stdout


def test_the_list_for_machines(home: Home) -> None:
    messages = facts(home, "releases")
    assert (messages["latest"], messages["rollback"], messages["damaged"], messages["foreign"]) == (
        FIRST,
        None,
        [],
        [],
    )
    assert [it["release_id"] for it in messages["releases"]] == [FIRST, LATE, EARLY]
    assert [it["is_latest"] for it in messages["releases"]] == [True, False, False]
    late = messages["releases"][1]
    assert late["as_of"] == "2026-03-02T00:00:00+00:00"
    assert late["created_at"] == "2020-03-11T02:00:00+00:00"
    assert late["enrollments"] == 3
    files = [file for file in home.release(LATE).folder.iterdir() if file.name != "manifest.json"]
    assert late["bytes"] == sum(file.stat().st_size for file in files)


def test_the_list_after_a_rollback(home: Home) -> None:
    assert ask(home, "rollback", LATE).exit_code == 0
    shown = ask(home, "releases").stdout
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("* 2026")] == [LATE]
    assert re.search(rf"Rolled back to {LATE} at .* UTC,\nfrom {FIRST}; the next run", shown)
    messages = facts(home, "releases")
    assert [it["release_id"] for it in messages["releases"]] == [FIRST, LATE, EARLY]
    assert [it["is_latest"] for it in messages["releases"]] == [False, True, False]
    assert [it["is_rolled_back_to"] for it in messages["releases"]] == [False, True, False]
    assert messages["rollback"]["from_release_id"] == FIRST


def test_entry_that_is_not_a_release_is_named_and_left(home: Home) -> None:
    home.release(EARLY).manifest.unlink()
    (home.releases / "[b]notes").mkdir()
    shown = ask(home, "releases").stdout
    assert "2 releases" in shown
    assert re.search(f"Damaged: no sound manifest.*{EARLY}", shown)
    assert "left alone: [b]notes" in shown
    messages = facts(home, "releases")
    assert (messages["damaged"], messages["foreign"]) == ([EARLY], ["[b]notes"])


def test_releases_without_latest_marks_none_as_live(home: Home) -> None:
    home.latest.unlink()
    assert "None of them answers" in ask(home, "releases").stdout
    assert facts(home, "releases")["latest"] is None


# rollback


def test_rollback_prints_the_live_release_and_status_shows_it(home: Home) -> None:
    done = ask(home, "rollback", LATE)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"Release {LATE} answers now instead of {FIRST}" in done.stdout
    shown = ask(home, "status").stdout
    assert f"Release {LATE} as of 2026-03-02 00:00 UTC" in shown
    assert re.search(rf"Rolled back to {LATE} at .* UTC,\nfrom {FIRST}; ", shown)
    messages = facts(home, "status")
    assert (messages["release_id"], messages["rollback"]["release_id"]) == (LATE, LATE)
    assert messages["rollback"]["from_release_id"] == FIRST
    assert abs(datetime.now(UTC) - datetime.fromisoformat(messages["rollback"]["at"])) < timedelta(minutes=5)


def test_back_to_the_newest_status_forgets(home: Home) -> None:
    ask(home, "rollback", LATE)
    assert "nothing is rolled back any more" in ask(home, "rollback", FIRST).stdout
    assert "Rolled back" not in ask(home, "status").stdout
    assert facts(home, "status")["rollback"] is None


def test_rollback_to_the_live_release_is_reported(home: Home) -> None:
    done = ask(home, "rollback", FIRST)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "is the latest already" in done.stdout


@pytest.mark.parametrize("command", ["rollback", "verify"])
def test_an_unknown_release_id_is_not_found(home: Home, command: str) -> None:
    done = ask(home, command, "20990101T000000Z-1")
    assert (done.exit_code, done.stdout) == (4, "")
    assert len(done.stderr.splitlines()) == 1
    assert "`pathstats releases` lists" in done.stderr


def test_a_damaged_one_is_rejected(home: Home) -> None:
    home.release(LATE).table("users").unlink()
    done = ask(home, "rollback", LATE)
    assert (done.exit_code, done.stdout) == (7, "")
    assert "users.parquet is missing" in done.stderr
    assert facts(home, "releases")["latest"] == FIRST


# verify


def test_an_intact_release(home: Home) -> None:
    home.release(LATE).table("users").unlink()
    done = ask(home, "verify")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"{FIRST}: intact, 11 files" in done.stdout
    assert ask(home, "verify", EARLY).exit_code == 0


def test_damaged_files_are_named(home: Home) -> None:
    release = home.release(LATE)
    release.table("users").unlink()
    (release.folder / "new.txt").write_text("x")
    release.data_dictionary.write_text("?")
    done = ask(home, "verify", LATE)
    assert done.exit_code == 7
    assert re.search(r"missing +users\.parquet", done.stdout)
    assert re.search(r"additional +new\.txt", done.stdout)
    assert re.search(r"changed +data_dictionary\.md +1 bytes, published with [\d,]+", done.stdout)
    assert len(done.stderr.splitlines()) == 1
    assert LATE in done.stderr


def test_releases_as_json_lists_all(home: Home) -> None:
    home.release(LATE).table("users").unlink()
    done = ask(home, "verify", "--all", "--json")
    messages = {it["release_id"]: it for it in json.loads(done.stdout)["releases"]}
    assert done.exit_code == 7
    assert [messages[it]["is_intact"] for it in (FIRST, LATE, EARLY)] == [True, False, True]
    assert messages[LATE]["missing"] == ["users.parquet"]
    assert (messages[LATE]["additional"], messages[LATE]["changed"]) == ([], [])
    home.release(LATE).folder.rename(home.root / "away")
    assert ask(home, "verify", "--all").exit_code == 0


def test_an_id_and_all_are_too_much(home: Home) -> None:
    assert ask(home, "verify", FIRST, "--all").exit_code == 2


@pytest.mark.parametrize("command", ["status", "verify"])
def test_latest_without_its_folder_is_damage(home: Home, command: str) -> None:
    shutil.rmtree(home.release(FIRST).folder)
    done = ask(home, command)
    assert done.exit_code == 7
    assert re.search(f"Release {FIRST} is gone .*`pathstats rollback`", done.stderr)


def test_status_of_a_release_with_a_torn_manifest(home: Home) -> None:
    home.release(FIRST).manifest.write_text("{")
    done = ask(home, "status")
    assert done.exit_code == 7
    assert "manifest.json is unreadable" in done.stderr


@pytest.mark.parametrize("command", [("releases",), ("verify",), ("verify", "--all"), ("rollback", "x")])
def test_without_a_release(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = ask(Home(tmp_path / "none"), *command)
    assert (done.exit_code, done.stdout) == (4, "")
    assert "contains no release yet" in done.stderr
    assert not (tmp_path / "none").exists()


# How old


def answering_since(home: Home, age: timedelta, data_age: timedelta | None = None) -> None:
    """Make FIRST as of so long ago, all of its data from then but the paths."""
    as_of = datetime.now(UTC) - age
    release = home.release(FIRST)
    messages = json.loads(release.manifest.read_text("utf-8"))
    for name, table in messages["tables_in"].items():
        late = data_age if name == "paths" and data_age else age
        table["data_as_of"] = (datetime.now(UTC) - late).isoformat()
    edit_manifest(release, as_of=as_of.isoformat(), tables_in=messages["tables_in"])


@pytest.mark.parametrize(("age", "code"), [(timedelta(hours=25, minutes=50), 0), (timedelta(hours=26), 6)])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_max_age(home: Home, age: timedelta, code: int, more: tuple[str, ...]) -> None:
    answering_since(home, age)
    done = ask(home, "status", "--max-age", "26h", *more)
    assert done.exit_code == code
    assert FIRST in done.stdout
    if more:
        messages = json.loads(done.stdout)
        assert messages["is_stale"] == (code == 6)
        assert messages["age_hours"] == pytest.approx(age.total_seconds() / 3600, abs=0.1)
    if code:
        assert re.fullmatch(
            r"pathstats: The latest release is as of .*, longer than 26h ago; .*\n", done.stderr
        )
    else:
        assert done.stderr == ""
    assert ask(home, "status", *more).exit_code == 0


def test_a_release_ahead_of_the_clock_is_not_stale(home: Home) -> None:
    answering_since(home, timedelta(hours=-5))
    done = ask(home, "status", "--max-age", "1m")
    assert done.exit_code == 0
    assert "4 hours ahead of the clock" in done.stdout


def test_max_age_after_a_rollback_to_an_older_release(home: Home) -> None:
    answering_since(home, timedelta())
    assert ask(home, "status", "--max-age", "26h").exit_code == 0
    ask(home, "rollback", LATE)
    assert ask(home, "status", "--max-age", "26h").exit_code == 6


def test_without_a_release_no_age_is_enough(tmp_path: Path) -> None:
    place = Home(tmp_path)
    done = ask(place, "status", "--max-age", "52w")
    assert (done.exit_code, done.stdout) == (6, "")
    assert "contains no release yet" in done.stderr
    assert ask(place, "status").exit_code == 4


@pytest.mark.parametrize("text", ["26", "soon", "-1h"])
def test_invalid_age_is_wrong_usage(home: Home, text: str) -> None:
    done = ask(home, "status", f"--max-age={text}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "is not a valid duration" in done.stderr


def test_status_shows_the_age_of_each_table_s_data(home: Home) -> None:
    answering_since(home, timedelta(hours=5))
    shown = ask(home, "status").stdout
    ages = re.findall(r"(\w+) +\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC +5 hours", shown)
    assert ages == ["users", "paths", "path_steps", "path_sessions", "enrollments", "step_activity"]
    assert "warning" not in shown
    messages = facts(home, "status")["tables_in"]
    assert {table["data_age_hours"] for table in messages.values()} == {5.0}
    assert {table["is_behind"] for table in messages.values()} == {False}


def test_a_table_much_older_than_the_release_is_warned_of_in_words(home: Home) -> None:
    answering_since(home, timedelta(hours=5), data_age=timedelta(days=9, hours=5, minutes=1))
    done = ask(home, "status")
    assert done.exit_code == 0
    warnings = [line for line in done.stdout.splitlines() if line.startswith("warning")]
    assert len(warnings) == 1
    assert "paths is 9 days older than the release" in warnings[0]
    messages = facts(home, "status")["tables_in"]
    assert [name for name, table in messages.items() if table["is_behind"]] == ["paths"]


# keep


@pytest.mark.parametrize("command", ["run", "demo"])
@pytest.mark.parametrize("how", ["option", "environment", "default"])
def test_run_keeps_the_given_number_of_releases(
    home: Home, monkeypatch: pytest.MonkeyPatch, command: str, how: str
) -> None:
    place = home if command == "run" else Home(home.root / "demo")
    if command == "demo":
        shutil.copytree(home.published, place.published, symlinks=True)
    source = ("--source", "demo:learners=200") if command == "run" else ("--learners", "200")
    run = (command, *source, "--direct", "--as-of", (AS_OF + timedelta(days=1)).isoformat())
    if how == "environment":
        monkeypatch.setenv("PATHSTATS_KEEP", "2")
    done = ask(home, *run, *(("--keep", "2") if how == "option" else ()))
    assert done.exit_code == 0, done.stderr
    made = "20260311T000000Z-1"
    assert ids(place) == ({made, FIRST, LATE, EARLY} if how == "default" else {made, FIRST})


def test_by_default_thirty_are_kept(home: Home) -> None:
    for number in range(30):
        shelve(home, f"20250101T000000Z-{number + 1}", MADE - timedelta(days=number))
    ask(home, "run", "--source", "demo:learners=200", "--direct", "--as-of", AS_OF.isoformat())
    assert len(ids(home)) == 30


def test_keep_zero_is_wrong_usage(home: Home) -> None:
    assert ask(home, "run", "--source", "demo", "--direct", "--keep", "0").exit_code == 2


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"at": "2026-03-01T00:00:00+00:00"}'])
def test_torn_note_of_a_failure_is_evidence_of_one(home: Home, torn: str) -> None:
    home.failure.write_text(torn, "utf-8")
    os.utime(home.failure, (AS_OF.timestamp(), AS_OF.timestamp()))
    shown = ask(home, "status")
    assert shown.exit_code == 0
    assert "The last run failed at 2026-03-10 00:00 UTC: failure.json gives no reason" in shown.stdout
    assert "No run has failed since." not in shown.stdout
    assert facts(home, "status")["last_failure"]["at"] == "2026-03-10T00:00:00.000000+00:00"
