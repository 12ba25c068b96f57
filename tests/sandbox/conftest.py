"""The platforms of the tests: the demo's, and one with more rows of everything than a page."""

import random
from datetime import UTC, datetime

import pytest

from sandbox.app import Sandbox
from sandbox.demo_values import world
from sandbox.platform import Platform
from sandbox.valid_tables import Tables
from tests.helpers.large_world import large_world
from tests.helpers.nested_worlds import world_of_families
from tests.helpers.one_company import of_one_company
from tests.helpers.sandbox_client import Client

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo_tables() -> Tables:
    return world("demo:learners=200", NOW)


@pytest.fixture(scope="session")
def demo_platform(demo_tables: Tables) -> Platform:
    return Platform(demo_tables, NOW)


@pytest.fixture(scope="session")
def large_platform() -> Platform:
    return Platform(large_world(), NOW)


@pytest.fixture(scope="session")
def rare_platform() -> Platform:
    """Quizzes, sub-paths and child sessions, which the demo has not."""
    tables, as_of = world_of_families(random.Random(312), 6)
    return Platform(of_one_company(tables), as_of)


@pytest.fixture
def rare(rare_platform: Platform) -> Client:
    return Client(Sandbox(rare_platform, limit=0))


@pytest.fixture
def demo(demo_platform: Platform) -> Client:
    return Client(Sandbox(demo_platform, limit=0))


@pytest.fixture
def large(large_platform: Platform) -> Client:
    return Client(Sandbox(large_platform, limit=0))
