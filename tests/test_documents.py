"""README and docs are true: their queries and commands run, their links lead somewhere."""

import ast
import json
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from flows.run_config import RunConfig
from flows.sources import registry
from flows.sources.base import Extract, WarehouseState
from pathstats.cli.main import COMMANDS, load_command
from schemas.errors import EXIT_CODES
from tests.helpers.one_run import as_parquet, published, run
from tests.helpers.shell import pathstats
from tests.reference.tables import world

ROOT = Path(__file__).parent.parent
PAGES = {
    page: page.read_text("utf-8") for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
TEXT = "\n".join(PAGES.values())
STEPS = "step | due \n A | 7 days \n B |"
ENROLLED = "session | enrollment | user \n S1 | e1 | u1 \n S1 | e2 | u2"
# Of the demo's company of March 2026; in the world of these tests it is S1.
SESSION = "f09970eb08bdf8b180be3ca8"
AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: u1 has begun and becomes late with A in the second one; u2 has done all."""
    place = tmp_path_factory.mktemp("readme")
    done = "user | session | step | completed \n u1 | S1 | B | 2 Mar \n "
    done += "u2 | S1 | A | 3 Mar \n u2 | S1 | B | 3 Mar"
    tables = world(steps=STEPS, sessions="session \n S1", enrollments=ENROLLED, activity=done)
    source = as_parquet(place / "in", tables)
    for day in (5, 10):
        run(source, place / "home", datetime(2026, 3, day, tzinfo=UTC))
    return place / "home"


def asked(home: Path, text: str) -> str:
    return text.replace("data/demo", str(home)).replace(SESSION, "S1")


def test_its_sql_answers_its_questions(home: Path) -> None:
    late, became_late = (duckdb.sql(asked(home, sql)).fetchall() for sql in blocks("sql"))
    due = datetime(2026, 3, 8, tzinfo=UTC)
    assert late == [("u1", due, 1)]
    assert became_late == [("u1", "S1", "time", "A", due)]


def test_its_frames_answer_the_same(home: Path) -> None:
    from pathstats import scan

    (lines,) = (block for block in blocks("python") if block.startswith("# polars"))
    for expression in lines.removeprefix("# polars\n").split("# pandas, where it is installed\n"):
        answer = eval(asked(home, expression), {"scan": scan, "pd": pd, "pl": pl})
        assert list(answer.columns) == ["user_id", "late_since", "overdue_steps"]
        assert answer[["user_id", "overdue_steps"]].to_numpy().tolist() == [["u1", 1]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data/demo` as `make demo` leaves it, whatever month it is, and the last screen."""
    folder = tmp_path_factory.mktemp("make-demo")
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ndemo: setup\n")[2].partition("\n\n")[0]
    for options in re.findall(r"pathstats demo (--as-of \S+)", recipe):
        (folder / "screen").write_text(ran(folder, f"pathstats demo {options} --direct"))
    return folder


def ran(folder: Path, command: str) -> str:
    """The command's output, run in the folder as if its `data` were the checkout's."""
    command = command.replace("data/demo", str(folder / "data" / "demo"))
    env = {**os.environ, "PATHSTATS_HOME": str(folder / "data"), "COLUMNS": "120", "NO_COLOR": "1"}
    done = pathstats(*shlex.split(command)[1:], env=env)
    assert (done.returncode, done.stderr.count("pathstats:")) == (0, 0), done.stderr
    return done.stdout


def test_its_look_ups_answer_as_printed_after_make_demo(demo: Path) -> None:
    printed = re.findall(r"^\$ \.venv/bin/(pathstats lookup .*)\n(?:(\{.*\})\n)?", TEXT, re.MULTILINE)
    assert printed
    assert any(body for _, body in printed)
    for command, body in printed:
        output = ran(demo, command)
        assert "detailedStatus" in json.loads(output.splitlines()[0])
        assert body in ("", output.splitlines()[0])


def test_readme_queries_find_rows_after_make_demo(demo: Path) -> None:
    for sql in blocks("sql"):
        assert duckdb.sql(sql.replace("data/demo", str(demo / "data/demo"))).fetchall()


def test_its_python_answers_after_make_demo(demo: Path) -> None:
    (lines,) = (block for block in blocks("python") if "PathStats(" in block)
    *before, last = lines.replace("data/demo", str(demo / "data/demo")).strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(before), names)
    assert eval(last, names)["detailedStatus"] == {"type": "late"}


def test_commands_that_the_demo_suggests_work(demo: Path) -> None:
    """Its query has a line for each kind of change, not one for each time at which something happened."""
    (question,) = re.findall(r'pathstats query "(.*)" --home', (demo / "screen").read_text())
    assert "status_changes" in question
    asked = ["pathstats", "query", question, "--format", "csv", "--home", "data/demo"]
    changes = ran(demo, shlex.join(asked)).splitlines()
    assert changes[0] == "field,new_value,cause,changes"
    assert 5 < len(changes) < 40
    assert not [line for line in changes if "T" in line.split(",")[1] and "Z" in line.split(",")[1]]


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
    names: dict[str, Any] = {
        "pl": pl,
        "Path": Path,
        "datetime": datetime,
        "Extract": Extract,
        "WarehouseState": WarehouseState,
    }
    exec(f"from collections.abc import Iterator\nfrom dataclasses import dataclass\n{source}", names)
    monkeypatch.setitem(registry.SOURCES, "ours", names["Warehouse"])
    run("ours:postgresql://db", tmp_path / "home", AS_OF)
    assert published(tmp_path / "home", "path_session_stats")["user_id"].to_list() == ["u1", "u2"]
    assert set(where) == {"postgresql://db"}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "data/README.md", "examples/README.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_command_has_the_options_that_the_pages_use() -> None:
    """Commands in code blocks and in running text."""
    commands = {name: load_command(name) for name in COMMANDS}
    found = re.findall(r"pathstats ([a-z]+)((?: [^`\n|]*)?)", TEXT)
    used = 0
    for name, rest in found:
        if name not in commands:
            continue
        group = getattr(commands[name], "commands", {})
        command = next((group[word] for word in rest.split() if word in group), commands[name])
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", rest.partition("&&")[0].partition("; ")[0]):
            used += 1
            assert option in known | {"--help"}, (name, option)
    assert used > 20


def options_of(command: Any) -> set[str]:
    """All options of a command and of the commands below it."""
    own = {option for parameter in command.params for option in parameter.opts}
    return own.union(*(options_of(each) for each in getattr(command, "commands", {}).values()))


def test_every_option_named_alone_is_one_of_some_command() -> None:
    """In running text and tables: `--keep`, `--allow-shrink`."""
    alone = re.findall(r"`(--[a-z][a-z-]+)(?: [^`]*)?`", TEXT)
    assert len(alone) > 20
    assert set(alone) <= set.union(*(options_of(load_command(name)) for name in COMMANDS), {"--version"})


def test_every_command_on_a_shell_s_line_exists() -> None:
    """Only in code blocks: in running text the product's name comes before other words, too."""
    lines = "\n".join(blocks("console"))
    names = set(re.findall(r"\.venv/bin/pathstats ([a-z]+)", lines))
    assert names
    assert names <= set(COMMANDS)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", TEXT, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_module_that_is_run_exists() -> None:
    modules = re.findall(r"python -m (benchmarks[\w.]*)", TEXT)
    assert modules
    for module in modules:
        file = ROOT / Path(*module.split("."))
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module


def test_every_setting_in_the_environment_is_read_by_the_code() -> None:
    """Settings of the platform are built from a prefix, and named in pathstats.example.toml.

    Options of a run are the fields of its configuration.
    """
    code = "\n".join(
        file.read_text("utf-8")
        for package in ("flows", "pathstats", "schemas", "sandbox")
        for file in (ROOT / package).rglob("*.py")
    )
    named = set(re.findall(r"PATHSTATS_(?!360LEARNING)[A-Z_]+[A-Z]", TEXT))
    assert len(named) > 5
    fields = {f"PATHSTATS_{name.upper()}" for name in RunConfig.model_fields}
    # Read by the tests of pages only.
    assert {name for name in named - fields if name not in code} <= {"PATHSTATS_CHROMIUM"}


def test_readme_is_short() -> None:
    assert len(PAGES[ROOT / "README.md"].splitlines()) <= 160


def test_its_exit_codes_are_those_of_the_errors() -> None:
    (table,) = re.findall(r"^\| exit code \| meaning \|\n.*\n((?:\| .*\n?)+)", TEXT, re.MULTILINE)
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE))
    assert {int(code): meaning for code, meaning in rows.items()} == EXIT_CODES


def test_every_rule_is_in_the_module_that_the_docs_name() -> None:
    """The files exist, the functions it names are there, and what it names cites the rule."""
    page = PAGES[ROOT / "docs" / "rules.md"]
    rules = re.findall(r"^\| \[(R\d+)\].*\| (.+) \|$", page, re.MULTILINE)
    assert [rule for rule, _ in rules] == [f"R{number}" for number in range(1, 19)]
    for rule, where in rules:
        assert f"| [{rule}](#{rule.lower()}) |" in page
        assert page.count(f"### {rule}\n") == 1
        linked = re.findall(r"\]\(\.\./(transforms/\w+\.py)\)((?:,? `\w+`)*)", where)
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
