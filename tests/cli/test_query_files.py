"""`pathstats query` reads the release only; with --allow-write it changes no home and no release."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pathstats.cli.main import app
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.one_run import assert_complete, latest


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return home_with_one_release(tmp_path_factory.mktemp("query-files")).root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs, with a file that it must not read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "private.csv").write_text("name\nGrace\n")
    return tmp_path


def ask(home: Path, sql: str, *more: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["query", sql, *more, "--home", str(home)], input=stdin)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY users TO 'out.csv'",
        "COPY users TO '{latest}/users.parquet'",
        "COPY (FROM users) TO 'out' (FORMAT parquet, PER_THREAD_OUTPUT true)",
        "EXPLAIN ANALYZE COPY users TO 'out.csv'",
        "PREPARE write AS COPY users TO 'out.csv'; EXECUTE write",
        "EXPORT DATABASE 'out'",
        "ATTACH 'out.duckdb'",
        "ATTACH '{warehouse}' AS warehouse (READ_ONLY)",
        "FROM 'private.csv'",
        "FROM read_text('private.csv')",
        "FROM read_csv('private.csv')",
        "FROM sniff_csv('private.csv')",
        "FROM read_blob('private.csv')",
        "FROM glob('*')",
        "FROM parquet_metadata('{latest}/users.parquet')",
        "FROM read_parquet('{latest}/users.parquet')",
        "CREATE TABLE t (name VARCHAR); COPY t FROM 'private.csv'",
        "IMPORT DATABASE 'out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD './httpfs.duckdb_extension'",
        "SET enable_external_access = true",
        "SET temp_directory = 'out'",
        "SET profiling_output = 'out.json'",
        "PRAGMA enable_profiling = 'json'",
        "SET log_query_path = 'out.log'",
        "RESET lock_configuration",
        "CALL enable_logging(storage = 'file', storage_path = 'out')",
        "CREATE PERSISTENT SECRET s (TYPE http)",
    ],
)
def test_a_query_uses_no_files_no_network_and_no_settings(home: Path, here: Path, sql: str) -> None:
    asked = sql.format(latest=latest(home).folder, warehouse=home / "warehouse.duckdb")
    answer = ask(home, asked)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "--allow-write allows it" in answer.stderr
    assert [file.name for file in here.iterdir()] == ["private.csv"]
    assert_complete(latest(home))


@pytest.mark.parametrize("sql", ["FROM here", "FROM sql", "FROM release"])
def test_python_variable_is_not_a_table(home: Path, sql: str) -> None:
    answer = ask(home, sql)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "does not exist" in answer.stderr


@pytest.mark.parametrize(
    ("sql", "output"),
    [
        ("CREATE TEMP TABLE t AS FROM users; SELECT count(*) AS n FROM t", "n\n3\n"),
        ("SET VARIABLE x = 7; SELECT getvariable('x') AS x", "x\n7\n"),
        ("SELECT 1 AS a; SELECT 2 AS b", "b\n2\n"),
        (
            "PIVOT path_session_stats ON result USING count(*) GROUP BY session_id",
            "session_id,successful\nS,1\n",
        ),
        ("WITH u AS (FROM users) SELECT count(*) AS n FROM u", "n\n3\n"),
    ],
)
def test_a_query_computes_whatever_it_wants(home: Path, sql: str, output: str) -> None:
    answer = ask(home, sql, "--format", "csv")
    assert (answer.exit_code, answer.stderr, answer.stdout) == (0, "", output)


def test_spilled_data_is_in_a_private_folder(home: Path, here: Path) -> None:
    answer = ask(home, "SELECT current_setting('temp_directory') AS folder", "--format", "csv")
    folder = Path(answer.stdout.splitlines()[1])
    assert not folder.is_relative_to(here)
    assert not folder.exists()  # Removed with the query's end.


def test_with_allow_write_a_query_writes_and_reads_files(home: Path, here: Path) -> None:
    assert ask(home, "COPY (SELECT user_id FROM users) TO 'out.csv'", "--allow-write").exit_code == 0
    assert (here / "out.csv").read_text() == "user_id\nu1\nu2\nu3\n"
    answer = ask(home, "FROM 'private.csv'", "--allow-write", "--format", "csv")
    assert answer.stdout == "name\nGrace\n"
    assert (
        ask(home, "ATTACH 'own.duckdb' AS own; CREATE TABLE own.t AS FROM users", "--allow-write").exit_code
        == 0
    )


@pytest.mark.parametrize(
    "sql",
    [
        "COPY users TO '{latest}/users.parquet'",
        "copy users to '{root}/published/latest/users.parquet' (FORMAT parquet)",
        "COPY users TO 'file://{latest}/users.parquet'",
        'COPY users TO "{latest}/users.parquet"',
        "COPY users TO $${latest}/users.parquet$$",
        "COPY users TO /* there */ '{latest}/users.parquet'",
        "COPY users TO 'link.parquet'",
        "COPY users TO 'linked/users.parquet'",
        "COPY users TO ('{latest}/users' || '.parquet')",
        "SELECT 1; COPY users TO '{latest}/users.parquet'",
        "EXPLAIN ANALYZE COPY users TO '{latest}/users.parquet'",
        "PREPARE w AS COPY users TO '{latest}/users.parquet'",
        "COPY (PIVOT users ON status USING count(*)) TO '{latest}/users.parquet'",
        "COPY users TO '{root}/..' (FORMAT parquet, PARTITION_BY (status), OVERWRITE true)",
        "EXPORT DATABASE '{latest}'",
        "ATTACH '{latest}/lookup.sqlite' (TYPE sqlite)",
        "ATTACH '{warehouse}'; DROP TABLE users",
        "SET profiling_output = '{latest}/manifest.json'",
    ],
)
def test_even_with_allow_write_a_query_changes_no_home(home: Path, here: Path, sql: str) -> None:
    (here / "link.parquet").symlink_to(latest(home).table("users"))
    (here / "linked").symlink_to(home / "published/latest")
    places = {"latest": latest(home).folder, "root": home, "warehouse": home / "warehouse.duckdb"}
    answer = ask(home, sql.format(**places), "--allow-write")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "home" in answer.stderr or "plain text" in answer.stderr
    assert_complete(latest(home))


def test_a_release_elsewhere_is_not_changed_either(home: Path, here: Path) -> None:
    copy = shutil.copytree(latest(home).folder, here / "handed-on")
    answer = ask(home, "COPY users TO 'handed-on/users.parquet'", "--allow-write")
    assert (answer.exit_code, "belongs to a home" in answer.stderr) == (2, True)
    assert (copy / "users.parquet").read_bytes() == latest(home).table("users").read_bytes()


def test_a_name_without_quotes_is_a_file_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(latest(home).folder)
    assert ask(home, "COPY users TO users.parquet", "--allow-write").exit_code == 2
    assert_complete(latest(home))


def test_a_query_comes_from_stdin(home: Path) -> None:
    answer = ask(home, "-", "--format", "csv", stdin="-- how many\nSELECT count(*) AS n FROM users;\n")
    assert (answer.exit_code, answer.stdout) == (0, "n\n3\n")
    assert "The query is empty" in ask(home, "-", stdin="\n").stderr


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELEC 1", 'DuckDB can\'t run this query: syntax error at or near "SELEC".'),
        (
            "FROM nowhere",
            "DuckDB can't run this query: Table with name nowhere does not exist! Did you mean ",
        ),
        (
            "SELECT 1/0 + CAST('a' AS INT)",
            "DuckDB can't run this query: Could not convert string 'a' to INT32.",
        ),
        (
            "FROM read_text('private.csv')",
            "A query can't read or write files, attach databases or load extensions, ",
        ),
    ],
)
def test_an_error_is_one_sentence_without_duckdb_s_classes(home: Path, sql: str, sentence: str) -> None:
    answer = ask(home, sql)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"pathstats: {sentence}")
    assert "Error:" not in answer.stderr


def test_a_value_that_duckdb_quotes_stays_out_of_the_error(home: Path) -> None:
    value = "SELECT CAST(x AS INT) FROM (SELECT 'it''s ' || 'gr' || 'ace' AS x)"
    answer = ask(home, value)
    assert "Could not convert string '…' to INT32" in answer.stderr
    assert "grace" not in answer.stderr


def test_full_disk_is_reported_in_one_sentence(home: Path) -> None:
    pathstats = Path(sys.executable).with_name("pathstats")
    with open("/dev/full", "w") as full:
        for shape in ("csv", "json", "table"):
            done = subprocess.run(
                [pathstats, "query", "FROM users", "--format", shape, "--home", str(home)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "COLUMNS": "80"},
                check=False,
            )
            assert done.returncode == 1
            assert done.stderr == (
                "pathstats: the output, or a file, can't be read or written (No space left on device).\n"
            )
