"""Hints name the command as the person typed it."""

from pathlib import Path

import pytest

from pathstats.cli import typed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an environment of its own, which is not on the shell's path."""
    command = tmp_path / "project" / ".venv" / "bin" / "pathstats"
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", "/usr/bin")
    return tmp_path / "project"


@pytest.mark.parametrize("started", [".venv/bin/pathstats", "{project}/.venv/bin/pathstats"])
def test_a_command_of_a_folder_is_named_by_its_path(
    project: Path, monkeypatch: pytest.MonkeyPatch, started: str
) -> None:
    monkeypatch.setattr("sys.argv", [started.format(project=project), "demo"])
    assert typed.pathstats() == ".venv/bin/pathstats"


def test_a_command_that_the_shell_finds_is_named_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [str(project / ".venv/bin/pathstats"), "demo"])
    monkeypatch.setenv("PATH", f"/usr/bin:{project / '.venv/bin'}")
    assert typed.pathstats() == "pathstats"


def test_a_command_elsewhere_is_named_by_its_whole_path(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path / "project" / ".venv")
    monkeypatch.setattr("sys.argv", ["../.venv/bin/pathstats"])
    assert typed.pathstats() == "bin/pathstats"
    monkeypatch.setattr("sys.argv", ["/opt/pathstats/bin/pathstats"])
    assert typed.pathstats() == "/opt/pathstats/bin/pathstats"


def test_command_started_otherwise_is_shown_as_pathstats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["-c"])
    assert typed.pathstats() == "pathstats"
