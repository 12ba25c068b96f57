"""Fixtures and the order of tests."""

import gc
from pathlib import Path

import pytest

from flows.database.connection import CONFIG
from schemas.home import Release
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.training_company import published, training

# Tests run in parallel: a thread of DuckDB's that waits for another keeps a core busy.
CONFIG["threads"] = 1

# These files take long. They start first, on any worker, and before the tests that share
# Prefect's server. The tests of any other file stay together, for they share fixtures.
LONG = (
    "tests/prefect/test_flow.py",
    "tests/prefect/test_schedule.py",
    "tests/prefect/test_failed_run.py",
    "tests/faults/test_killed.py",
    "tests.runs/test_sequences.py",
    "tests/test_oulad.py",
    "tests/test_against_reference.py",
    "tests.release/test_interruption.py",
    "tests/test_metamorphic.py",
    "tests/test_valid_until.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups for `--dist loadgroup`, and their order for `--no-loadscope-reorder`."""

    def place(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        if file in LONG:
            return LONG.index(file)
        item.add_marker(pytest.mark.xdist_group(file))
        return len(LONG)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Imported modules stay: exempt them from garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source in `in` and a `home` in which it was published; to be copied from."""
    return home_with_one_release(tmp_path_factory.mktemp("once")).root.parent


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The training, published for 8 and for 10 March; ids only."""
    return published(tmp_path_factory.mktemp("training"), training())


@pytest.fixture(scope="session")
def html(release: Release) -> str:
    return Path(release.report).read_text("utf-8")
