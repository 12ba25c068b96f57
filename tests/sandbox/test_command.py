"""`pathstats sandbox`, as a person starts and ends it."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from pathstats.cli.main import app
from tests.helpers.one_run import as_parquet, small_world
from tests.helpers.sandbox_client import CREDENTIALS


def test_sandbox_serves_until_interrupted_and_prints_the_commands_to_try(tmp_path: Path) -> None:
    source = f"files:{as_parquet(tmp_path / 'in', small_world())}"
    command = [sys.executable, "-c", "from pathstats.cli.main import main; main()", "sandbox", source]
    sandbox = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert sandbox.stdout
    output = [sandbox.stdout.readline()]
    while "sandbox/as-of" not in output[-1] and output[-1]:
        output.append(sandbox.stdout.readline())
    text = "".join(output)
    settings = dict(re.findall(r"export PATHSTATS_360LEARNING_(\w+)=(\S+)", text))
    assert set(settings) == {"BASE_URL", "COMPANY_ID", "CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION"}
    assert settings["COMPANY_ID"] == "acme"
    assert settings["BASE_URL"].startswith("http://127.0.0.1:")
    assert "pathstats run --source 360learning" in text
    answer = httpx.post(f"{settings['BASE_URL']}/api/v2/oauth2/token", json=CREDENTIALS)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "360-api-version": "v2.0"}
    paths = httpx.get(f"{settings['BASE_URL']}/api/v2/paths", headers=headers)
    assert [path["name"] for path in paths.json()] == ["name of P"]
    sandbox.send_signal(signal.SIGINT)
    rest, _ = sandbox.communicate(timeout=30)
    assert (sandbox.returncode, rest) == (0, "\nThe sandbox is closed.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--misbehave", "sulk=1"], "'sulk=1' is not a fault"),
        (["nowhere:x"], "Unknown source 'nowhere'"),
        (["--company", "other", "demo:learners=200"], "no session of a company 'other'"),
    ],
)
def test_wrong_arguments_are_reported_in_one_sentence(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(app, ["sandbox", "--port", "0", *arguments])
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["sandbox", "--port", port])
    assert done.exit_code == 2
    assert f"Port {port} can't be listened on (Address already in use)" in done.stderr
