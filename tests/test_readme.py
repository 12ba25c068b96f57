"""What the README says is so: its questions run, its source delivers, what it links to exists."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from flows.sources import opening
from flows.sources.base import Extract, Held
from schemas.errors import EXIT_CODES
from schemas.home import Home
from tests.a_night import as_parquet, night, published
from tests.reference.tables import world

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
STEPS = "step | due \n A | 7 days \n B |"
ENROLLED = "session | enrollment | user \n S1 | e1 | u1 \n S1 | e2 | u2"
AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights: u1 has begun and becomes late with A in the second one; u2 has done all."""
    place = tmp_path_factory.mktemp("readme")
    done = "user | session | step | completed \n u1 | S1 | B | 2 Mar \n "
    done += "u2 | S1 | A | 3 Mar \n u2 | S1 | B | 3 Mar"
    tables = world(steps=STEPS, sessions="session \n S1", enrollments=ENROLLED, activity=done)
    source = as_parquet(place / "in", tables)
    for day in (5, 10):
        night(source, place / "home", datetime(2026, 3, day, tzinfo=UTC))
    return place / "home"


def asked(home: Path, text: str) -> str:
    return text.replace("data/published", str(Home(home).published))


def test_its_sql_answers_its_questions(home: Path) -> None:
    late, became_late = (duckdb.sql(asked(home, sql)).fetchall() for sql in blocks("sql"))
    assert late == [("u1", 1)]
    assert became_late == [("u1", "S1", "time", "A", "onTime")]


def test_its_frames_answer_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathstats import scan

    monkeypatch.setenv("PATHSTATS_HOME", str(home))
    (lines,) = (block for block in blocks("python") if block.startswith("# polars"))
    for expression in lines.removeprefix("# polars\n").split("# pandas\n"):
        answer = eval(asked(home, expression), {"scan": scan, "pd": pd, "pl": pl})
        assert list(answer.columns) == ["user_id", "overdue_steps"]
        assert answer.to_numpy().tolist() == [["u1", 1]]


def test_its_source_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its only call that isn't ours is answered from files."""
    tables = world(steps=STEPS, sessions="session \n S1", enrollments=ENROLLED)
    folder = as_parquet(tmp_path / "in", tables)
    where: list[str] = []

    def read_database_uri(sql: str, dsn: str) -> pl.DataFrame:
        where.append(dsn)
        return pl.read_parquet(folder / f"{sql.removeprefix('SELECT * FROM ')}.parquet")

    monkeypatch.setattr(pl, "read_database_uri", read_database_uri)
    (source,) = (block for block in blocks("python") if "def extract" in block)
    names: dict[str, Any] = {"pl": pl, "Path": Path, "datetime": datetime, "Extract": Extract, "Held": Held}
    exec(f"from collections.abc import Iterator\nfrom dataclasses import dataclass\n{source}", names)
    monkeypatch.setitem(opening.SOURCES, "ours", names["Warehouse"])
    night("ours:postgresql://db", tmp_path / "home", AS_OF)
    assert published(tmp_path / "home", "path_session_stats")["user_id"].to_list() == ["u1", "u2"]
    assert set(where) == {"postgresql://db"}


def test_every_file_it_links_to_exists() -> None:
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)", README))
    assert len(links) > 10
    assert {link for link in links if not (ROOT / link).exists()} == set()


def test_its_exit_codes_are_those_of_the_errors() -> None:
    (table,) = re.findall(r"^\| exit code \| meaning \|\n.*\n((?:\| .*\n)+)", README, re.MULTILINE)
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE))
    assert {int(code): meaning for code, meaning in rows.items()} == EXIT_CODES


def test_every_rule_is_where_it_says() -> None:
    """The files exist, the functions it names are there, and what it names cites the rule."""
    rules = re.findall(r"^\| \[(R\d+)\].*\| (.+) \|$", README, re.MULTILINE)
    assert [rule for rule, _ in rules] == [f"R{number}" for number in range(1, 19)]
    in_full = (ROOT / "transforms" / "README.md").read_text("utf-8")
    for rule, where in rules:
        assert f"| [{rule}](transforms/README.md#{rule.lower()}) |" in README
        assert in_full.count(f"### {rule}\n") == 1
        linked = re.findall(r"\]\((transforms/\w+\.py)\)((?:,? `\w+`)*)", where)
        assert linked, rule
        assert sum(len(names.split()) for _, names in linked) == where.count("`") // 2
        for file, names in linked:
            text = (ROOT / file).read_text("utf-8")
            functions = {
                node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)
            }
            for name in re.findall(r"`(\w+)`", names):
                assert name in functions, (rule, file, name)
                docstring = ast.get_docstring(functions[name]) or ""
                assert re.search(rf"\b{rule}\b", docstring), (rule, file, name)
            assert re.search(rf"\b{rule}\b", text), (rule, file)
