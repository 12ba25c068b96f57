"""A run under Prefect's own temporary server that fails, as a shell sees it."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.helpers.one_run import as_parquet, small_world
from tests.helpers.webhook_receiver import Receiver, files_with_the_token

PATHSTATS = Path(sys.executable).with_name("pathstats")


def shell(*arguments: str | Path, environment: dict[str, str], patience_s: float) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; one that takes too long is killed with the server it has started."""
    process = subprocess.Popen(
        [PATHSTATS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        out, error = process.communicate(timeout=patience_s)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, error


def test_failed_run_prints_one_sentence_without_prefect_or_the_webhook(
    tmp_path: Path, prefect_home: Callable[[Path], Path]
) -> None:
    """The webhook's token is in no file: Prefect's database contains every parameter, log and artifact."""
    source = as_parquet(tmp_path / "source", small_world())
    (source / "paths.parquet").unlink()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    kept |= {"PREFECT_HOME": str(prefect_home(tmp_path / "prefect")), "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG"}
    kept |= {"NO_PROXY": "127.0.0.1", "COLUMNS": "120"}
    receiver = Receiver()
    try:
        code, out, error = shell(
            *("run", "--source", f"files:{source}", "--home", tmp_path / "home", "--notify", receiver.url),
            environment=kept,
            patience_s=150,
        )
    finally:
        receiver.close()
    starting, sentence = error.splitlines()
    assert (code, out) == (3, "")
    assert starting == "Starting Prefect (--direct runs without it) …"
    assert sentence.startswith(f"pathstats: {source}: table paths is missing")
    assert [notification["message"] for notification in receiver.taken] == [
        sentence.removeprefix("pathstats: ")
    ]
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as database:
        assert database.execute("SELECT state_type FROM flow_run").fetchall() == [("FAILED",)]
    assert not files_with_the_token(tmp_path)
