"""The parameters that a run of a deployment can't choose."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.ops import run_parameters
from flows.run_config import RunConfig
from schemas.errors import UsageError

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A process with the home `home` that keeps 12 releases."""
    monkeypatch.setenv("PATHSTATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATHSTATS_KEEP", "12")
    # Set once, so that they are unset after the test.
    for name in (run_parameters.FIXED, run_parameters.NOTIFY_URL):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def config(folder: Path, **others: Any) -> RunConfig:
    return RunConfig(**{"source": "demo", "home": folder / "home", "as_of": AS_OF, "keep": 12} | others)


OTHERS = [
    ("home", "elsewhere"),
    ("keep", 1),
    ("keep", 13),
    ("source", "files:elsewhere"),
    ("max_rejected", 1.0),
    ("allow_shrink", True),
    ("allow_vanished", True),
    ("allow_missing_columns", True),
    ("with_names", True),
    ("notify_url", "https://elsewhere.example"),
]


@pytest.mark.parametrize(("name", "value"), OTHERS)
def test_a_scheduled_run_has_the_options_of_the_command(tmp_path: Path, name: str, value: object) -> None:
    run_parameters.fix(config(tmp_path))
    run_parameters.check(config(tmp_path))
    with pytest.raises(UsageError, match=f"A run can't choose {name}; "):
        run_parameters.check(config(tmp_path, **{name: value}))


def test_a_scheduled_run_may_choose_its_time_and_a_full_refresh(tmp_path: Path) -> None:
    run_parameters.fix(config(tmp_path, as_of=None))
    run_parameters.check(config(tmp_path, full_refresh=True))


@pytest.mark.parametrize(("name", "value"), [("home", "elsewhere"), ("home", "/tmp"), ("keep", 1)])
def test_a_worker_s_run_has_the_home_and_retention_of_the_worker(
    tmp_path: Path, name: str, value: object
) -> None:
    run_parameters.check(config(tmp_path, source="files:exports"))
    with pytest.raises(UsageError, match=f"A run can't choose {name}; this process's environment"):
        run_parameters.check(config(tmp_path, **{name: value}))


def test_a_worker_s_run_can_t_choose_the_address_of_notifications(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("PATHSTATS_NOTIFY_URL", "https://chat.example/T0P-s3cret")
    run_parameters.check(config(tmp_path))
    with pytest.raises(UsageError, match="can't choose notify_url") as blocked:
        run_parameters.check(config(tmp_path, notify_url="https://elsewhere.example"))
    assert "T0P-s3cret" not in str(blocked.value)


def test_a_worker_without_an_environment_of_ours_keeps_thirty(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("PATHSTATS_KEEP")
    with pytest.raises(UsageError, match="has 30"):
        run_parameters.check(config(tmp_path, keep=29))
