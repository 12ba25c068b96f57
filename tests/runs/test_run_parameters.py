"""The parameters that a run of a deployment can't choose."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.ops import run_parameters
from flows.run_config import RunConfig
from schemas.errors import UsageError
from schemas.home import Home

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Of a process whose home is `home` and which keeps 12 releases."""
    monkeypatch.setenv("PATHSTATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATHSTATS_KEEP", "12")
    # Set once, so that it is unset after the test.
    monkeypatch.setenv(run_parameters.FIXED, "")
    monkeypatch.delenv(run_parameters.FIXED)
    return monkeypatch


def parameters(folder: Path, **others: Any) -> dict[str, Any]:
    plan = RunConfig("demo", Home(folder / "home"), AS_OF, keep=12)
    return plan.parameters() | others


OTHERS = [
    ("home", "elsewhere"),
    ("keep", 1),
    ("keep", 13),
    ("source", "files:elsewhere"),
    ("max_rejected_share", 1.0),
    ("max_shrink_share", None),
    ("max_vanished_share", None),
    ("allow_missing_columns", True),
    ("with_names", True),
]


@pytest.mark.parametrize(("name", "value"), OTHERS)
def test_a_scheduled_run_has_the_parameters_of_the_command(tmp_path: Path, name: str, value: object) -> None:
    run_parameters.fix(parameters(tmp_path))
    run_parameters.check(parameters(tmp_path))
    with pytest.raises(UsageError, match=f"A run can't choose {name}; `pathstats schedule` was started with"):
        run_parameters.check(parameters(tmp_path, **{name: value}))


def test_a_scheduled_run_may_choose_its_time_and_a_full_refresh(tmp_path: Path) -> None:
    run_parameters.fix({**parameters(tmp_path), "as_of": None})
    run_parameters.check(parameters(tmp_path, full_refresh=True))


@pytest.mark.parametrize(("name", "value"), [("home", "elsewhere"), ("home", "/tmp"), ("keep", 1)])
def test_a_worker_s_run_has_the_home_and_retention_of_the_worker(
    tmp_path: Path, name: str, value: object
) -> None:
    run_parameters.check(parameters(tmp_path, source="files:exports"))
    with pytest.raises(UsageError, match=f"A run can't choose {name}; this process's environment"):
        run_parameters.check(parameters(tmp_path, **{name: value}))


def test_a_worker_without_an_environment_of_ours_keeps_thirty(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv("PATHSTATS_KEEP")
    with pytest.raises(UsageError, match="has 30"):
        run_parameters.check(parameters(tmp_path, keep=29))
