"""--json answers with one JSON object whatever happens: what failed, and the exit code."""

import json
from pathlib import Path

import pytest

from tests.cli.test_exit_codes import quiet_environment
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.shell import pathstats


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return home_with_one_release(tmp_path_factory.mktemp("json-errors")).root


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (("status", "--home", "EMPTY"), 4, "contains no release yet"),
        (("status", "--home", "EMPTY", "--max-age", "26h"), 6, "contains no release yet"),
        (("releases", "--home", "EMPTY"), 4, "contains no release yet"),
        (("verify", "x", "--home", "HOME"), 4, "Release 'x' is not in"),
        (("verify", "x", "--all", "--home", "HOME"), 2, "not both"),
        (("parity", "--home", "HOME"), 2, "was not compared"),
        (("check", "files:/nowhere"), 3, "the folder does not exist"),
        (
            ("run", "--direct", "--source", "files:/nowhere", "--home", "EMPTY"),
            3,
            "the folder does not exist",
        ),
        (("run", "--direct", "--as-of", "soon", "--home", "EMPTY"), 2, "not an ISO time"),
        (("run", "--max-rejected", "7", "--home", "EMPTY"), 2, "--max-rejected"),
        (("status", "--max-old", "1d"), 2, "--max-old"),
        (("keys", "list", "--home", "s3://part"), 2, "s3:"),
    ],
)
def test_a_failure_is_a_json_object(
    home: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, output: str
) -> None:
    places = {"HOME": str(home), "EMPTY": str(tmp_path / "empty")}
    done = pathstats(*(places.get(it, it) for it in arguments), "--json", env=quiet_environment())
    messages = json.loads(done.stdout)
    assert (done.returncode, messages["exit_code"], list(messages)) == (code, code, ["error", "exit_code"])
    assert output in messages["error"]
    assert done.stderr


def test_an_answer_that_ends_with_a_code_stays_the_only_one(home: Path) -> None:
    done = pathstats("status", "--max-age", "1m", "--json", "--home", str(home), env=quiet_environment())
    assert (done.returncode, json.loads(done.stdout)["is_stale"]) == (6, True)


def test_without_json_nothing_is_on_stdout(tmp_path: Path) -> None:
    done = pathstats("status", "--home", str(tmp_path), env=quiet_environment())
    assert (done.returncode, done.stdout) == (4, "")


def test_the_keys_are_a_json_object(home: Path) -> None:
    done = pathstats("keys", "list", "--json", "--home", str(home), env=quiet_environment())
    assert json.loads(done.stdout) == {"keys": []}
