"""No value of the data steers the terminal: ids with escape sequences are printed written out."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pathstats.cli.main import app
from pathstats.cli.render import console
from tests.helpers.one_run import as_parquet, run, small_world

# Clears the screen, sets the title, C1's way to begin a sequence, and a text that runs backwards.
USER, STEP, SESSION = "u1\x1b[2J", "A\x1b]0;title\x9c", "S\x9b31m\u202eevil"
STEERING = ("\x1b", "\x9b", "\x9c", "\u202e")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("printable")
    tables = small_world()
    renamed = {"u1": USER, "A": STEP, "S": SESSION}
    for rows in tables.values():
        for row in rows:
            row.update({key: renamed[value] for key, value in row.items() if value in renamed})
    run(as_parquet(place / "in", tables), place / "home")
    return place / "home"


def ask(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home)])


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("query", "SELECT user_id FROM users ORDER BY 1"), r"u1\x1b[2J"),
        (("query", "SELECT session_id, step_id FROM step_stats"), r"S\x9b31m\u202eevil"),
        (("query", f'SELECT 1 AS "{STEP}"'), r"A\x1b]0;title\x9c"),
        (("query", f'SELECT "{STEP}" FROM users'), r"A\x1b]0;title\x9c"),
        (("lookup", SESSION, USER, "--explain"), r"A\x1b]0;title\x9c"),
        (("report", f"no{STEP}"), r"noA\x1b]0;title\x9c"),
        (("rollback", f"no{STEP}"), r"noA\x1b]0;title\x9c"),
        (("export", f"no{STEP}"), r"noA\x1b]0;title\x9c"),
    ],
)
def test_an_id_that_steers_a_terminal_is_printed_written_out(
    home: Path, arguments: tuple[str, ...], shown: str
) -> None:
    output = ask(home, *arguments)
    assert not any(character in output.stdout + output.stderr for character in STEERING)
    assert shown in (output.stdout + output.stderr).replace("\\\\", "\\")


def test_a_wide_table_in_a_terminal_is_printed_written_out_too(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = console._Screen(width=40, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(console, "screen", terminal)
    console.show_rows(["a", "b"], [False, False], [(USER * 3, SESSION * 3)], is_all=True)
    shown = capsys.readouterr().out
    assert not any(character in shown for character in STEERING)


def test_json_and_csv_keep_the_ids_as_they_are(home: Path) -> None:
    sql = "SELECT DISTINCT session_id FROM step_stats"
    as_json = ask(home, "query", sql, "--format", "json").stdout
    assert json.loads(as_json) == [{"session_id": SESSION}]
    assert not any(character in as_json for character in STEERING)
    assert SESSION in ask(home, "query", sql, "--format", "csv").stdout
