"""Ctrl-C is Ctrl-C wherever it falls: no failure of the run, no TypeError, and never forgotten."""

import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows import pipeline as runs
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from pathstats.cli.main import app
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_parquet, small_world


class Dropping:
    """An error raised where this object ends is printed and dropped, as where polars calls Python."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def dropped() -> None:
    Dropping()


def turned_into_another() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise TypeError("no Ctrl-C any more") from None


@pytest.fixture
def plan(tmp_path: Path) -> RunConfig:
    return RunConfig(
        source=f"files:{as_parquet(tmp_path / 'in', small_world())}",
        home=Home(tmp_path / "home"),
        as_of=AS_OF,
    )


def command(plan: RunConfig) -> Result:
    """The run by `pathstats run`."""
    arguments = ["--source", str(plan.source), "--home", str(plan.home.root), "--direct"]
    return CliRunner().invoke(app, ["run", *arguments])


@pytest.fixture(params=[dropped, turned_into_another])
def interrupted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C falls while a run transforms."""
    transform = runs.transform

    def fatal(*arguments: Any) -> Any:
        request.param()
        return transform(*arguments)

    monkeypatch.setattr(runs, "transform", fatal)


@pytest.mark.usefixtures("interrupted")
def test_a_run_is_interrupted_and_has_not_failed(plan: RunConfig, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(plan)
    assert not plan.home.latest.exists()
    assert not plan.home.failure.exists()
    assert capsys.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.usefixtures("interrupted")
def test_command_reports_the_interruption(plan: RunConfig) -> None:
    done = command(plan)
    assert done.exit_code == 130
    assert "interrupted; nothing half-done was published." in done.output


def test_without_it_a_failure_is_one(plan: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise TypeError

    monkeypatch.setattr(runs, "transform", fails)
    done = command(plan)
    assert done.exit_code == 1
    assert "TypeError" in done.output
    assert plan.home.failure.exists()
