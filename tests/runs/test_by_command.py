"""Changes and a table that shrank, by the command line."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from pathstats.cli.main import app
from tests.helpers.one_run import as_parquet, latest, published, small_world

AS_OF = "2026-03-10T00:00:00Z"


class Home:
    """A home where runs are run by command, always as of the same instant."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder / "home", as_parquet(folder / "in", small_world())
        self.messages = self.run(f"files:{self.source}")

    def run(self, source: str, *options: str) -> dict[str, Any]:
        done = self.command(source, *options)
        assert (done.exit_code, done.stderr) == (0, "")
        return dict(json.loads(done.stdout))

    def command(self, source: str, *options: str) -> Result:
        where = ("run", "--source", source, "--home", str(self.folder))
        return CliRunner().invoke(app, [*where, *options, "--as-of", AS_OF, "--direct", "--json"])

    def write(self, file: str, edit: pl.Expr, *, only: int) -> Path:
        """A file with the first users, edited."""
        whole = pl.read_parquet(self.source / "users.parquet")
        target = self.source.parent / file
        target.parent.mkdir(exist_ok=True)
        whole.head(only).with_columns(edit).write_parquet(target)
        return target.parent

    def users(self) -> list[tuple[str, str]]:
        return published(self.folder, "users").select("user_id", "status").rows()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


DELETED, INVITED = (pl.lit(status).alias("status") for status in ("deleted", "invited"))


def test_changes_are_read_by_an_option_or_from_the_changes_folder(home: Home) -> None:
    messages = home.run(f"files:{home.write('news/users.parquet', DELETED, only=1)}", "--incremental")
    assert home.users() == [("u1", "deleted"), ("u2", "active"), ("u3", "active")]
    assert {table: it["delivery"] for table, it in messages["tables_in"].items()} == {
        **dict.fromkeys(home.messages["tables_in"], "none"),
        "users": "changes",
    }
    assert messages["tables_in"]["users"]["rows"] == 3
    home.write("in/changes/users.parquet", INVITED, only=2)
    messages = home.run(f"files:{home.source}")
    assert home.users() == [("u1", "invited"), ("u2", "invited"), ("u3", "active")]
    assert {it["delivery"] for it in messages["tables_in"].values()} == {"none", "changes"}


def test_shrunk_table_is_allowed_once(home: Home) -> None:
    before = latest(home.folder)
    home.write("in/users.parquet", INVITED, only=2)
    for options in ((), ("--max-shrink", "0.33")):
        done = home.command(f"files:{home.source}", *options)
        assert (done.exit_code, json.loads(done.stdout)["exit_code"]) == (5, 5)
        assert "Table users: 2 rows where the warehouse has 3" in done.stderr
        assert "--allow-shrink" in done.stderr
    assert latest(home.folder) == before
    home.run(f"files:{home.source}", "--allow-shrink")
    assert home.users() == [("u1", "invited"), ("u2", "invited")]
    home.write("in/users.parquet", INVITED, only=1)
    assert home.command(f"files:{home.source}").exit_code == 5
    home.run(f"files:{home.source}", "--max-shrink", "0.5")
