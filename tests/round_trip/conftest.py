"""PartReader, their platforms, and the statistics that come of them directly."""

from collections.abc import Iterator

import pytest
import stamina

from sandbox.platform import Platform
from sandbox.valid_tables import Tables
from tests.helpers.served_demo import DAY_1, some_paths, world


@pytest.fixture(scope="session")
def tables() -> Tables:
    """The whole demo."""
    return world(DAY_1)


@pytest.fixture(scope="session")
def small(tables: Tables) -> Platform:
    """Two of the demo's paths: courses, a classroom, an assessment; a few requests read it."""
    return Platform(some_paths(tables, "First aid at work", "Information security"), DAY_1)


@pytest.fixture
def without_waiting() -> Iterator[None]:
    """Failed requests are repeated at once."""
    with stamina.set_testing(True, attempts=8, cap=True):
        yield
