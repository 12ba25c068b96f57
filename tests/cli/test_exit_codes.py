"""Each exit code as a shell sees it: one sentence on stderr, no traceback, the last release still answers."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from schemas.home import Home
from tests.helpers.one_run import as_parquet, small_world
from tests.helpers.shell import pathstats

PATHSTATS = Path(sys.executable).with_name("pathstats")
AS_OF = "2026-03-10T00:00:00Z"
SECRET = "grace.hopper@example.org"


def command(home: Path, *arguments: str) -> list[str]:
    return [str(PATHSTATS), *arguments, *(() if arguments[0] == "check" else ("--home", str(home)))]


def quiet_environment() -> dict[str, str]:
    ours = ("PATHSTATS", "PREFECT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "COLUMNS": "120", "NO_COLOR": "1"}


def shell(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return pathstats(*command(home, *arguments)[1:], env=quiet_environment())


def the_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr that names the error."""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("pathstats: ")
    assert SECRET not in done.stderr
    return lines[0]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a release of the demo world."""
    place = tmp_path_factory.mktemp("exit-codes") / "home"
    done = shell(place, "run", "--source", "demo:learners=200", "--as-of", AS_OF, "--direct", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["as_of"].startswith("2026-03-10")
    return place


@pytest.fixture(scope="session")
def pair(home: Path) -> tuple[str, str]:
    """The ids of a session and of a learner who is enrolled in it."""
    frame = pl.read_parquet(home / "published/latest/path_session_stats.parquet")
    session, user = frame.select("session_id", "user_id").row(0)
    return session, user


@pytest.fixture
def still_answers(home: Path, pair: tuple[str, str]) -> Callable[[], None]:
    """Call it after a failure: the release is the one before, and no half of another one is left."""
    before = os.readlink(home / "published/latest")

    def check() -> None:
        assert os.readlink(home / "published/latest") == before
        done = shell(home, "lookup", *pair)
        assert done.returncode == 0
        assert "detailedStatus" in json.loads(done.stdout)

    return check


def small_source(folder: Path) -> Path:
    """Six valid tables; every user has the address that no message may contain."""
    tables = small_world()
    tables["users"] = [{**row, "email": SECRET} for row in tables["users"]]
    return as_parquet(folder, tables)


# 0


def test_0_for_each_command_that_answers(home: Path, pair: tuple[str, str], tmp_path: Path) -> None:
    source = small_source(tmp_path)
    for arguments in (
        ("lookup", *pair),
        ("lookup", *pair, "--explain"),
        ("status",),
        ("query", "SELECT count(*) AS n FROM path_session_stats"),
        ("check", f"files:{source}"),
        ("releases",),
        ("verify",),
        ("rollback", os.readlink(home / "published/latest").removeprefix("releases/")),
    ):
        done = shell(home, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert done.stdout


def read_by(reader: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a pipe; its exit code, not the reader's."""
    ask = " ".join(f"'{part}'" for part in command(home, *arguments))
    return subprocess.run(
        ["bash", "-c", f"{ask} | {reader}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        env=quiet_environment(),
        timeout=60,
        check=False,
    )


def test_0_without_a_word_when_the_reader_has_seen_enough(home: Path) -> None:
    sql = "SELECT a.user_id FROM path_session_stats a CROSS JOIN path_session_stats b"
    done = read_by("head -1", home, "query", sql, "--format", "csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "user_id\n", "")


@pytest.mark.parametrize("arguments", [("status",), ("releases",), ("query", "FROM users")])
def test_0_whatever_it_is_that_is_not_read(home: Path, arguments: tuple[str, ...]) -> None:
    done = read_by("true", home, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_0_the_version(home: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", pathstats("--version", env=quiet_environment()).stdout)


def test_0_the_completion_of_a_shell() -> None:
    """typer finds the shell by its parent process, or by an argument."""
    env = {**quiet_environment(), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = pathstats("--show-completion", "bash", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_PATHSTATS_COMPLETE=complete_bash" in done.stdout
    env |= {"_PATHSTATS_COMPLETE": "complete_bash", "COMP_WORDS": "pathstats rel", "COMP_CWORD": "1"}
    assert pathstats(env=env).stdout.split() == ["releases"]


# 2


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("run", "--source", "oracle:x", "--direct"), "Unknown source 'oracle'"),
        (("run", "--source", "files:", "--direct"), "files:DIR"),
        (("run", "--source", "demo:learners=many", "--direct"), "whole numbers"),
        (("run", "--source", "demo:pupils=3", "--direct"), "no option 'pupils'"),
        (("run", "--source", "demo", "--as-of", "2026-03-10T00:00:00", "--direct"), "no time zone"),
        (("run", "--source", "demo", "--as-of", "yesterday", "--direct"), "not an ISO time"),
        (
            ("run", "--source", "demo", "--as-of", "0001-01-01T00:00:00+05:00", "--direct"),
            "not an ISO time",
        ),
        (("check", "oracle:x"), "Unknown source 'oracle'"),
        (("query", "SELEC 1"), "DuckDB can't run this query"),
        (("query", "SELECT * FROM nowhere"), "nowhere"),
        (("export", "users", "--to", "no/such/users.csv"), "no/such: the folder does not exist"),
        (("report", "--to", "pyproject.toml"), "pyproject.toml is a file; give a folder"),
    ],
)
def test_2_wrong_usage(home: Path, arguments: tuple[str, ...], output: str) -> None:
    quiet = ("--json",) if arguments[0] == "run" else ()
    done = shell(home, *arguments, *quiet)
    assert done.returncode == 2
    assert output in the_sentence(done)


@pytest.mark.parametrize("command", ["run", "schedule", "demo"])
def test_2_a_home_with_a_question_mark_before_anything_starts(tmp_path: Path, command: str) -> None:
    source = () if command == "demo" else ("--source", "demo:learners=200")
    done = shell(tmp_path / "what?" / "home", command, *source)
    assert done.returncode == 2
    assert "contains a question mark" in the_sentence(done)
    assert not list(tmp_path.iterdir())


# 3


def missing_table(folder: Path) -> None:
    (folder / "paths.parquet").unlink()


def missing_tables(folder: Path) -> None:
    for table in ("users", "paths", "enrollments"):
        (folder / f"{table}.parquet").unlink()


def missing_column(folder: Path) -> None:
    file = folder / "enrollments.parquet"
    pl.read_parquet(file).drop("user_id").write_parquet(file)


def too_many_fields(folder: Path) -> None:
    (folder / "users.parquet").unlink()
    text = f"company_id,user_id,status,email\nacme,u1,active,\nacme,u2,active,{SECRET},Grace\n"
    (folder / "users.csv").write_text(text, "utf-8")


def unterminated_quote(folder: Path) -> None:
    (folder / "users.parquet").unlink()
    text = f'company_id,user_id,status,email\nacme,u1,active,\nacme,u2,active,"{SECRET}\n'
    (folder / "users.csv").write_text(text, "utf-8")


def broken_json(folder: Path) -> None:
    (folder / "users.parquet").unlink()
    text = '{"company_id": "acme", "user_id": "u1", "status": "active"}\n' + f'{{"email": "{SECRET}",\n'
    (folder / "users.ndjson").write_text(text, "utf-8")


def deep_json(folder: Path) -> None:
    (folder / "users.parquet").unlink()
    deep = "[" * 100_000 + "]" * 100_000
    text = f'{{"company_id": "acme", "user_id": "u1", "status": "active", "more": {deep}}}\n'
    (folder / "users.ndjson").write_text(text + f'{{"email": "{SECRET}",\n', "utf-8")


def truncated_parquet(folder: Path) -> None:
    file = folder / "step_activity.parquet"
    file.write_bytes(file.read_bytes()[:-100])


def truncated_gz(folder: Path) -> None:
    (folder / "users.parquet").unlink()
    rows = "".join(f"acme,u{n},active,{n * 7919 % 1009}@x\n" for n in range(5_000))
    packed = gzip.compress(f"company_id,user_id,status,email\n{rows}".encode())
    (folder / "users.csv.gz").write_bytes(packed[: len(packed) // 2])


def header_only(folder: Path) -> None:
    (folder / "enrollments.parquet").unlink()
    (folder / "enrollments.csv").write_text("company_id,enrollment_id,session_id,user_id,enrolled_at\n")


def empty_file(folder: Path) -> None:
    (folder / "enrollments.parquet").unlink()
    (folder / "enrollments.csv").write_text("")


def misspelt_column(folder: Path) -> None:
    file = folder / "enrollments.parquet"
    pl.read_parquet(file).rename({"enrolled_at": "enroled_at"}).write_parquet(file)


def missing_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def table_twice(folder: Path) -> None:
    (folder / "users.csv").write_text("company_id,user_id,status\n")


@pytest.mark.parametrize(
    ("damage", "output"),
    [
        (missing_folder, r"source: the folder does not exist\."),
        (missing_table, r"source: table paths is missing"),
        (missing_tables, r"source: tables users, paths, enrollments are missing"),
        (table_twice, r"table users has two files, users\.csv and users\.parquet"),
        (missing_column, r"enrollments\.parquet: table enrollments must have column user_id\."),
        (misspelt_column, r"enrollments\.parquet: .* must have column enrolled_at\. Is it enroled_at\?"),
        (too_many_fields, r"users\.csv, line 3: 5 fields, but the header has 4"),
        (unterminated_quote, r"users\.csv, line 3, column email: a closing quote is missing"),
        (broken_json, r"users\.ndjson, line 2: not one complete JSON object"),
        (deep_json, r"users\.ndjson, line 1: a value is nested more than 1,000 levels deep"),
        (truncated_parquet, r"step_activity\.parquet: not a parquet file, or a truncated one"),
        (truncated_gz, r"users\.csv\.gz: the gzip file is damaged or truncated"),
        (header_only, r"enrollments\.csv: table enrollments is empty"),
        (empty_file, r"enrollments\.csv: the file is empty"),
    ],
)
def test_3_the_source_or_its_data(
    home: Path,
    tmp_path: Path,
    still_answers: Callable[[], None],
    damage: Callable[[Path], None],
    output: str,
) -> None:
    source = small_source(tmp_path / "source")
    damage(source)
    done = shell(home, "run", "--source", f"files:{source}", "--as-of", AS_OF, "--direct", "--json")
    assert done.returncode == 3
    assert re.search(output, the_sentence(done)), done.stderr
    assert re.search(output, json.loads(done.stdout)["error"])
    still_answers()
    assert json.loads((home / "failure.json").read_text())["exit_code"] == 3


def test_3_the_phases_before_are_shown_and_the_sentence_comes_last(home: Path, tmp_path: Path) -> None:
    source = small_source(tmp_path / "source")
    missing_column(source)
    done = shell(home, "run", "--source", f"files:{source}", "--direct")
    *phases, last = done.stderr.splitlines()
    assert done.returncode == 3
    assert last.startswith("pathstats: ")
    assert all(line.startswith("✓ ") for line in phases)


def test_3_for_check_and_oulad(home: Path, tmp_path: Path) -> None:
    for arguments in (("check", "files:/nowhere"), ("check", f"oulad:{tmp_path}")):
        done = shell(home, *arguments)
        assert done.returncode == 3
        assert "does not exist" in the_sentence(done)


# 4


@pytest.mark.parametrize("arguments", [("lookup", "s", "u"), ("status",), ("query", "SELECT 1")])
def test_4_no_release_yet(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = shell(tmp_path / "empty", *arguments)
    assert done.returncode == 4
    assert "contains no release yet" in the_sentence(done)


@pytest.mark.parametrize("company", [(), ("--company", "nobody")])
def test_4_no_such_session(home: Path, pair: tuple[str, str], company: tuple[str, ...]) -> None:
    session = pair[0] if company else "no-such-session"
    done = shell(home, "lookup", session, pair[1], *company)
    assert (done.returncode, done.stderr) == (4, "")
    assert json.loads(done.stdout) == {"error": "path_session_not_found"}


def test_4_no_such_user(home: Path, pair: tuple[str, str]) -> None:
    done = shell(home, "lookup", pair[0], SECRET, "--explain")
    assert (done.returncode, done.stderr) == (4, "")
    assert json.loads(done.stdout) == {"error": "user_not_found"}


def test_4_not_enrolled(home: Path, pair: tuple[str, str]) -> None:
    session, _ = pair
    stats = pl.read_parquet(home / "published/latest/path_session_stats.parquet")
    inside = stats.filter(pl.col("session_id") == session)["user_id"].implode()
    users = pl.read_parquet(home / "published/latest/users.parquet")
    stranger = users.filter(~pl.col("user_id").is_in(inside))["user_id"][0]
    done = shell(home, "lookup", session, stranger)
    assert (done.returncode, done.stderr) == (4, "")
    assert json.loads(done.stdout) == {"error": "user_not_enrolled"}


# 5


def test_5_too_many_rejected_rows(home: Path, tmp_path: Path, still_answers: Callable[[], None]) -> None:
    source = small_source(tmp_path / "source")
    file = source / "users.parquet"
    pl.read_parquet(file).with_columns(status=pl.lit("asleep")).write_parquet(file)
    done = shell(home, "run", "--source", f"files:{source}", "--as-of", AS_OF, "--direct", "--json")
    assert done.returncode == 5
    assert re.search(r"Table users: 3 of 3 rows rejected, .*bad_enum", the_sentence(done))
    still_answers()
    checked = shell(home, "check", f"files:{source}", "--json")
    assert (checked.returncode, checked.stderr) == (5, "")
    assert json.loads(checked.stdout)["blocked_by"] == ["users"]
    seen = shell(home, "check", f"files:{source}")
    assert (seen.returncode, SECRET in seen.stdout) == (5, False)


# 6


def test_6_old_release_is_reported_in_one_sentence(tmp_path: Path) -> None:
    done = shell(tmp_path / "empty", "status", "--max-age", "26h")
    assert done.returncode == 6
    assert "contains no release yet" in the_sentence(done)


# 1


def test_1_a_home_below_a_regular_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = shell(file / "home", "run", "--source", "demo:learners=200", "--direct", "--json")
    assert done.returncode == 1
    assert "can't be written" in the_sentence(done)


def test_1_a_second_run_at_the_same_time(home: Path, still_answers: Callable[[], None]) -> None:
    with FileLock(Home(home).lock):
        done = shell(home, "run", "--source", "demo:learners=200", "--direct", "--json")
        assert done.returncode == 1
        assert "Another run is running" in the_sentence(done)
        still_answers()


# 130


def test_130_ctrl_c_in_the_middle(home: Path, still_answers: Callable[[], None]) -> None:
    running = subprocess.Popen(
        command(home, "run", "--source", "demo:learners=100000", "--direct", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=quiet_environment(),
    )
    landing = Home(home).extracts
    wait_until = time.monotonic() + 20
    while not list(landing.glob("*")) and time.monotonic() < wait_until:
        time.sleep(0.02)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=30)
    sentence = the_sentence(subprocess.CompletedProcess((), running.returncode, out, error))
    assert running.returncode == 130
    assert "interrupted" in sentence
    still_answers()
    again = shell(home, "run", "--source", "demo:learners=200", "--as-of", AS_OF, "--direct", "--json")
    assert (again.returncode, again.stderr) == (0, "")


# The start from the shell


def test_a_lookup_loads_nothing_heavy(home: Path, pair: tuple[str, str]) -> None:
    program = (
        "import sys\n"
        "from pathstats.cli.main import app\n"
        f"app({['lookup', *pair, '--home', str(home)]!r}, standalone_mode=False)\n"
        "heavy = {'polars', 'duckdb', 'pandera', 'prefect', 'rich', 'numpy', 'pydantic', 'asyncio'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=quiet_environment(),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "detailedStatus" in json.loads(done.stdout)
