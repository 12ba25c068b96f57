"""`pathstats query`: what it writes for people and machines, and what it never repeats."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from pathstats.cli.main import app
from pathstats.cli.render import console
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.one_run import as_parquet, latest, run, small_world

ODD = "SELECT interval 3 day AS i, [1, 2] AS l, {'a': 1} AS s, 'x'::BLOB AS b, NULL AS n, 'nan'::DOUBLE AS f"
TIMES = "SELECT TIMESTAMPTZ '2026-03-10 00:00:00Z' AS t, TIMESTAMPTZ '2026-03-10 00:00:00.5Z' AS u"
EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SECRET = "grace.hopper@example.org"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = small_world()
    tables["users"] = [{**row, "email": SECRET} for row in tables["users"]]
    place = tmp_path_factory.mktemp("query")
    run(as_parquet(place / "source", tables), place / "home")
    return place / "home"


def ask(home: Path, sql: str, *more: str) -> Result:
    return CliRunner().invoke(app, ["query", sql, *more, "--home", str(home)])


def test_csv_has_every_row_and_a_header(home: Path) -> None:
    answered = ask(home, "SELECT range AS n, NULL AS gap FROM range(20000)", "--format", "csv")
    assert answered.exit_code == 0
    assert answered.stdout.splitlines()[:2] == ["n,gap", "0,"]
    assert len(answered.stdout.splitlines()) == 20_001


def test_json_keeps_numbers_lists_and_nulls(home: Path) -> None:
    rows = json.loads(ask(home, ODD, "--format", "json").stdout)
    assert rows == [{"i": "3 days", "l": [1, 2], "s": {"a": 1}, "b": "x", "n": None, "f": None}]
    assert json.loads(ask(home, "FROM users LIMIT 0", "--format", "json").stdout) == []


@pytest.mark.parametrize(
    ("shape", "t", "u"),
    [
        ("csv", "2026-03-10T00:00:00Z", "2026-03-10T00:00:00.5Z"),
        ("json", "2026-03-10T00:00:00Z", "2026-03-10T00:00:00.5Z"),
        ("table", "2026-03-10 00:00:00 UTC", "2026-03-10 00:00:00.5 UTC"),
    ],
)
def test_times_are_shown_as_utc(home: Path, shape: str, t: str, u: str) -> None:
    written = ask(home, TIMES, "--format", shape).stdout
    assert t in written
    assert u in written


@pytest.mark.parametrize("shape", ["table", "csv", "json"])
@pytest.mark.parametrize("sql", [ODD, "SHOW TABLES", "DESCRIBE users", "FROM quarantine", "VALUES (1, 'a')"])
def test_every_duckdb_type_can_be_written(home: Path, sql: str, shape: str) -> None:
    answered = ask(home, sql, "--format", shape)
    assert (answered.exit_code, answered.stderr) == (0, "")
    assert answered.stdout


@pytest.mark.parametrize(
    ("sql", "output"),
    [
        ("", "The query is empty"),
        (" ; ", "The query is empty"),
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM users", '"nothing" not found'),
        ("SELECT CAST(email AS INTEGER) FROM users", "Could not convert string '…'"),
    ],
)
def test_failed_query_is_reported_in_one_line_without_data(home: Path, sql: str, output: str) -> None:
    answered = ask(home, sql)
    assert (answered.exit_code, answered.stdout) == (2, "")
    assert output in answered.stderr
    assert len(answered.stderr.splitlines()) == 1
    assert SECRET not in answered.stderr


def test_columns_of_the_same_name_are_shown_but_not_as_json(home: Path) -> None:
    assert ask(home, "SELECT 1 AS a, 2 AS a").stdout.split() == ["a", "a", "1", "2"]
    rejected = ask(home, "SELECT 1 AS a, 2 AS a", "--format", "json")
    assert (rejected.exit_code, rejected.stdout) == (2, "")
    assert "two columns named a" in rejected.stderr


def test_long_result_is_cut_with_a_note(home: Path) -> None:
    exactly, longer = ask(home, "FROM range(100)"), ask(home, "FROM range(101)")
    assert (len(exactly.stdout.splitlines()), exactly.stderr) == (101, "")
    assert (len(longer.stdout.splitlines()), "the first 100 rows" in longer.stderr) == (101, True)


def test_a_wide_row_stays_on_one_line_in_a_pipe(home: Path) -> None:
    header, *rows = ask(home, "FROM path_session_stats").stdout.splitlines()
    assert header.split()[0] == "company_id"
    assert len(rows) == 3


def test_a_wide_row_becomes_a_block_in_a_terminal(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Console(width=80, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(console, "screen", terminal)
    names = [f"a_column_of_number_{number}" for number in range(8)]
    console.show_rows(names, [False] * 8, [tuple(names)], is_all=True)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "row 1"
    assert [line.split() for line in lines] == [[name, name] for name in names]


def test_ctrl_c_ends_a_query_that_would_never_end(home: Path) -> None:
    endless = "SELECT a.range AS n FROM range(10000000) a, range(10000000) b WHERE a.range * b.range < -1"
    pathstats = Path(sys.executable).with_name("pathstats")
    with subprocess.Popen(
        [pathstats, "query", endless, "--format", "csv", "--home", home],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "n\n"  # Written when the query is about to start.
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, error) == (130, "pathstats: interrupted; nothing half-done was published.\n")


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.sql")), ids=lambda file: file.stem)
def test_a_query_may_begin_with_a_comment(home: Path, example: Path) -> None:
    answer = ask(home, example.read_text("utf-8"), "--format", "csv")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.count(",") > 2


def test_unknown_option_is_not_read_as_a_query(home: Path) -> None:
    assert ask(home, "FROM users", "--fromat", "csv").exit_code == 2


def without_it(_: bytes) -> None:
    return None


def no_parquet(content: bytes) -> bytes:
    return b"x" * len(content)


def truncated(content: bytes) -> bytes:
    return content[:10]


def without_its_pages(content: bytes) -> bytes:
    return content[:4] + b"x" * 500 + content[504:]


def with_a_torn_footer(content: bytes) -> bytes:
    return content[:-2_000] + b"x" * 1_992 + content[-8:]


@pytest.mark.parametrize("damage", [without_it, no_parquet, truncated, without_its_pages, with_a_torn_footer])
def test_a_damaged_table_is_the_release_s_fault(
    tmp_path: Path, damage: Callable[[bytes], bytes | None]
) -> None:
    place = home_with_one_release(tmp_path).root
    file = latest(place).table("users")
    content = damage(file.read_bytes())
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    answer = ask(place, "SELECT max(user_id), max(company_id) FROM users")
    assert (answer.exit_code, "`pathstats verify` names it" in answer.stderr) == (7, True)
    assert len(answer.stderr.splitlines()) == 1
