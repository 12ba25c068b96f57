"""`pathstats check` of whole tables and of changes, and a run's arguments that can't go together."""

import json
import os
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pathstats.cli.main import app
from tests.helpers.one_run import as_ndjson, as_parquet, small_world


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return as_parquet(tmp_path / "in", small_world())


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def changed(folder: Path, source: Path, rows: pl.DataFrame) -> Path:
    """A change feed of one table, newer than the whole one."""
    folder.mkdir()
    rows.write_parquet(folder / "users.parquet")
    os.utime(folder / "users.parquet", (2e9, 2e9))
    return folder


def tables(answer: Result) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(answer.stdout)["tables"]
    return found


def test_changes_are_checked_by_themselves(source: Path, tmp_path: Path) -> None:
    users = pl.read_parquet(source / "users.parquet").with_columns(status=pl.lit("asleep"))
    feed = changed(tmp_path / "feed", source, users.head(1))
    checked = ask("check", f"changes:{feed}", "--json")
    assert checked.exit_code == 5
    found = tables(checked)
    assert {name: table["delivery"] for name, table in found.items() if table["delivery"] != "none"} == {
        "users": "changes"
    }
    assert found["users"]["reasons"] == {"bad_enum": 1}
    users.head(1).with_columns(status=pl.lit("deleted")).write_parquet(feed / "users.parquet")
    shown = ask("check", f"changes:{feed}")
    assert shown.exit_code == 0
    assert "A run would take these changes in." in shown.stdout
    assert "pending" not in shown.stdout.splitlines()[0]


def test_folder_without_changes_is_reported(tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    assert "No table has changes there" in ask("check", f"changes:{tmp_path / 'feed'}").stdout


def test_a_table_and_its_changes_are_checked_as_a_first_run_would(source: Path) -> None:
    users = pl.read_parquet(source / "users.parquet")
    changed(source / "changes", source, users.head(1).with_columns(status=pl.lit("asleep")))
    checked = ask("check", f"files:{source}", "--json", "--max-rejected", "0.3")
    found = tables(checked)
    assert (found["users"]["delivery"], found["users"]["read"]) == ("full and changes", 4)
    assert found["paths"]["delivery"] == "full"
    # A run compares each delivery with the limit: one of one row, not one of four.
    assert (checked.exit_code, json.loads(checked.stdout)["blocked_by"]) == (5, ["users"])


def test_changes_without_a_full_table_can_not_be_a_first_run(source: Path, tmp_path: Path) -> None:
    (source / "users.parquet").rename(tmp_path / "users.parquet")
    (source / "changes").mkdir()
    checked = ask("check", f"files:{source}")
    assert checked.exit_code == 3
    assert "table users is missing" in checked.stderr
    assert "Changes alone suffice once the warehouse has the table." in checked.stderr


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ((), "contains no data yet; give --source."),
        (("--incremental",), "--incremental is for folders of files; give it with --source files:DIR."),
        (("--incremental", "--source", "demo"), "give it with --source files:DIR."),
        (("--incremental", "--source", "files:"), "needs a folder"),
    ],
)
def test_run_that_can_t_begin_is_reported_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], output: str
) -> None:
    done = ask("run", *arguments, "--home", str(tmp_path / "home"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert output in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_incremental_with_a_changes_source_is_accepted(source: Path, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert ask("run", "--source", f"files:{source}", "--direct", "--json", "--home", home).exit_code == 0
    feed = changed(tmp_path / "feed", source, pl.read_parquet(source / "users.parquet").head(1))
    twice = ("--source", f"changes:{feed}", "--incremental")
    done = ask("run", *twice, "--direct", "--json", "--home", home)
    assert json.loads(done.stdout)["tables_in"]["users"]["delivery"] == "changes"


@pytest.mark.parametrize("command", ["run", "schedule", "check"])
def test_help_lists_the_sources(command: str) -> None:
    words = " ".join(ask(command, "--help").stdout.replace("│", " ").split())
    for source in ("files:DIR", "changes:DIR", "oulad:DIR", "demo[:learners=N,seed=S]"):
        assert source in words


def test_a_source_of_which_no_enrollment_counts(tmp_path: Path) -> None:
    tables = small_world() | {"users": [{**row, "company_id": "ACME"} for row in small_world()["users"]]}
    source = f"files:{as_ndjson(tmp_path / 'in', tables)}"
    shown = CliRunner().invoke(app, ["check", source])
    assert shown.exit_code == 5
    assert "every enrollment has a missing reference" in shown.stdout
    assert re.search(r"enrollments +3 +unknown_user +the row of user_id has not been delivered", shown.stdout)
    messages = json.loads(CliRunner().invoke(app, ["check", source, "--json"]).stdout)
    assert (messages["blocked_by"], messages["all_pending"]) == ([], True)


def test_a_warning_reaches_check_the_closing_screen_and_the_manifest(source: Path, tmp_path: Path) -> None:
    users = pl.read_parquet(source / "users.parquet")
    warning = "users: 2 unknown columns are ignored: shoe, emial. Is emial meant to be email?"
    users.select(pl.exclude("email")).with_columns(shoe=pl.lit(42), emial=pl.lit("x")).write_parquet(
        source / "users.parquet"
    )
    assert warning in ask("check", f"files:{source}").stdout
    assert json.loads(ask("check", f"files:{source}", "--json").stdout)["warnings"] == [warning]
    home = ("--home", str(tmp_path / "home"))
    shown = ask("run", "--source", f"files:{source}", "--direct", *home)
    assert shown.exit_code == 0
    assert f"warning {warning}" in shown.stdout
    assert f"warning {warning}" in ask("status", *home).stdout
    again = ask("run", "--source", f"files:{source}", "--direct", "--json", *home)
    assert json.loads(again.stdout)["warnings"] == [warning]


def test_unknown_columns_beyond_ten_are_counted(source: Path) -> None:
    users = pl.read_parquet(source / "users.parquet")
    extra = [pl.lit(0).alias(f"extra_{number}") for number in range(300)]
    users.with_columns(extra).write_parquet(source / "users.parquet")
    [warning] = json.loads(ask("check", f"files:{source}", "--json").stdout)["warnings"]
    assert warning.startswith("users: 300 unknown columns are ignored: extra_0, ")
    assert warning.endswith(" extra_9 and 290 more.")
