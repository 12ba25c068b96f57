"""The questions that analysts ask: three ways of asking give one answer, and it is the right one."""

import runpy
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from types import ModuleType

import duckdb
import polars as pl
import pytest

from schemas.home import PARQUET_TABLES, Release
from tests.helpers.one_run import latest, run
from tests.reference.tables import expect

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
# Known from the training itself, by hand.
RIGHT = {
    "who_is_late": """
        session | user | late_since | overdue_steps
        S2      | u1   | 27 Feb     | 1
        S1      | u1   | 8 Mar      | 1
        S1      | u2   | 8 Mar      | 1""",
    "where_learners_get_stuck": """
        session | step | learners
        S1      | A    | 3
        S1      | B    | 1
        S1      | X    | 1
        S2      | A    | 1
        S2      | B    | 1""",
    "completions_by_month": """
        session | month   | completed
        S0      | 2026-02 | 1
        S1      | 2026-03 | 1""",
    "who_can_still_pass": """
        session | user | standing           | steps_left | ends
        S1      | u1   | notYetStarted      | 3          | 20 Mar
        S1      | u2   | late               | 2          | 20 Mar
        S1      | u3   | awaitingCorrection | 1          | 20 Mar
        S1      | u4   | toRetake           | 0          | 20 Mar
        S1      | u7   | onTime             | 2          | 20 Mar
        S9      | u1   | sessionNotOpened   | 3          | 1 May
        S2      | u1   | notYetStarted      | 3          |
        S2      | u9   | onTime             | 2          | """,
    "completion_dates_moved": """
        user | before                      | now                         | cause
        u5   | 2026-03-05T00:00:00.000000Z | 2026-03-07T00:00:00.000000Z | correction of earlier data""",
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Release:
    home = tmp_path_factory.mktemp("examples-demo")
    run("demo:learners=200", home)
    return latest(home)


def module(name: str) -> ModuleType:
    spec = util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def by_sql(name: str, release: Release) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in PARQUET_TABLES:
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{release.table(table)}')")
        return pl.DataFrame(connection.sql((EXAMPLES / f"{name}.sql").read_text("utf-8")))


def answers(name: str, release: Release) -> list[pl.DataFrame]:
    asked = module(name)
    ways: list[Callable[[Path], object]] = [asked.with_polars, asked.with_pandas]
    return [by_sql(name, release), *(pl.DataFrame(way(release.folder)) for way in ways)]


def rows(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.rows()


@pytest.mark.parametrize("name", RIGHT)
def test_examples_in_three_languages_are_right(release: Release, name: str) -> None:
    for answer in answers(name, release):
        expect(answer.to_dicts(), RIGHT[name])


@pytest.mark.parametrize("name", RIGHT)
def test_examples_in_three_languages_agree_on_the_demo(large: Release, name: str) -> None:
    sql, polars, pandas = answers(name, large)
    assert rows(sql) == rows(polars) == rows(pandas)
    assert sql.columns == polars.columns == pandas.columns
    assert sql.height > 0 or name == "completion_dates_moved"


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("is_named", [True, False], ids=["a folder", "what make demo leaves"])
def test_an_example_runs_with_what_pathstats_brings(
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_named: bool,
) -> None:
    """Without pandas, which pathstats does not bring."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/demo/published").mkdir(parents=True)
    (tmp_path / "data/demo/published/latest").symlink_to(release.folder)
    monkeypatch.setattr(sys, "argv", [name, *([str(release.folder)] if is_named else [])])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert "shape: (" in capsys.readouterr().out


def test_every_example_is_tested_and_listed() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.sql")} == {file.stem for file in EXAMPLES.glob("*.py")}
    assert {file.stem for file in EXAMPLES.glob("*.sql")} == set(RIGHT)
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({name}.sql)" in listed and f"({name}.py)" in listed for name in RIGHT)
