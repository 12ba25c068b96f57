"""Where data are kept: a folder of this machine, and never inside an environment that is deleted."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathstats import PathStats, lookup, scan
from pathstats.cli import main
from pathstats.cli.main import app
from schemas.errors import UsageError
from schemas.home import default_home

ROOT = Path(__file__).parent.parent.parent
ADDRESSES = ("s3://part/x", "file:///srv/x", "https://example.org/x", "gs://part")
COMMANDS = [
    ("demo", "--direct"),
    ("run", "--direct", "--source", "demo:learners=200"),
    ("schedule", "--source", "demo:learners=200"),
    ("serve", "--port", "0"),
    ("lookup", "s", "u"),
    ("lookup", "s", "u", "--explain"),
    ("report",),
    ("query", "FROM users"),
    ("export", "users"),
    ("parity",),
    ("status",),
    ("releases",),
    ("rollback", "x"),
    ("verify",),
    ("verify", "--all"),
    ("keys", "create"),
    ("keys", "list"),
    ("keys", "revoke", "x"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_rejects_an_address_as_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    rejected = CliRunner().invoke(app, [*command, "--home", "s3://part/x"])
    assert (rejected.exit_code, rejected.stdout) == (2, "")
    assert rejected.stderr.startswith("pathstats: s3://part/x can't be a home")
    assert len(rejected.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_command_with_a_home_is_among_them() -> None:
    """A command that is added is tried too."""
    listed = {command[0] for command in COMMANDS}
    assert set(main.COMMANDS) - listed == {"check", "sandbox"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_python_rejects_an_address_as_home(address: str) -> None:
    for ask in (
        PathStats,
        lambda home: scan("users", home=home),
        lambda home: lookup("s", "u", home=home),
        lambda home: PathStats(Path(home)),
    ):
        with pytest.raises(UsageError, match="can't be a home"):
            ask(address)


def test_address_in_the_environment_is_rejected_as_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHSTATS_HOME", "s3://part/x")
    with pytest.raises(UsageError, match="s3://part/x can't be a home"):
        PathStats()


def test_a_checkout_keeps_its_data_in_itself() -> None:
    assert default_home() == ROOT / "data"


def test_an_installed_package_keeps_its_data_in_the_folder_it_is_run_in(tmp_path: Path) -> None:
    """The wheel, unpacked as pip does."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site-packages"
    zipfile.ZipFile(wheel).extractall(installed)
    (tmp_path / "here").mkdir()
    code = "import pathstats; from schemas.home import home_at; print(pathstats.__file__, home_at().root)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PATHSTATS")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "here",
        env={**env, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, home = map(Path, done.stdout.split())
    assert where.is_relative_to(installed)
    assert home == tmp_path / "here" / "pathstats-data"
