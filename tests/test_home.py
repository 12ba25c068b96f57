"""Which folders can be a home."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathstats import PathStats
from pathstats.cli.main import app
from schemas.errors import UsageError
from schemas.home import LONGEST_PATH, Home
from tests.helpers.one_run import as_parquet, assert_complete, latest, run, small_world

ODD = os.fsdecode(b"caf\xe9")
COMMANDS = (
    ("run", "--source", "demo", "--direct"),
    ("status",),
    ("lookup", "S", "u1"),
    ("query", "FROM users"),
    ("export", "users", "--to", "users.csv"),
    ("report",),
    ("releases",),
    ("verify",),
    ("rollback", "20260310T000000Z-1"),
    ("keys", "list"),
)


def of_length(folder: Path, length: int) -> Path:
    """A path in the folder that is so many bytes long, in names of at most 101 letters."""
    while (left := length - len(os.fsencode(folder))) > 102:
        folder /= "n" * 100
    return folder / ("n" * (left - 1))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_home_that_is_not_utf_8_ends_each_command_with_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(app, [*command, "--home", str(tmp_path / ODD)])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"pathstats: The path of the home {tmp_path}/caf\\xe9 is not valid UTF-8")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["/".join(["x" * 200] * 15), "y" * 300], ids=["path", "name"])
def test_home_of_a_very_long_path_ends_each_command_with_one_sentence(
    tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    done = CliRunner().invoke(app, [*command, "--home", str(tmp_path / name)])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "bytes long; give --home a path of at most 400" in line
    assert len(line) < 250
    assert list(tmp_path.iterdir()) == []


def test_longest_home_works_and_a_longer_one_is_rejected(tmp_path: Path) -> None:
    home = of_length(tmp_path, LONGEST_PATH)
    run(as_parquet(tmp_path / "in", small_world()), home)
    assert_complete(latest(home))
    assert PathStats(home).lookup("S", "u2")["progress"] == 100
    with pytest.raises(UsageError, match="401 bytes"):
        Home(of_length(tmp_path, LONGEST_PATH + 1))


def test_home_of_other_letters_works(tmp_path: Path) -> None:
    home = tmp_path / "Schulung – été 学習 ' $x [a]*"
    run(as_parquet(tmp_path / "in", small_world()), home)
    run(as_parquet(tmp_path / "in", small_world()), home)
    assert PathStats(home).lookup("S", "u2")["progress"] == 100
