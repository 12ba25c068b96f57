"""Platforms that the tests ask: the demo's, one with more of everything than a page holds."""

import random
from datetime import UTC, datetime

import pytest

from flows.sandbox.app import Sandbox
from flows.sandbox.demo_values import world
from flows.sandbox.platform import Platform
from flows.sandbox.sound_tables import Tables
from tests.families import world_of_families
from tests.sandbox.a_client import Client
from tests.sandbox.a_large_world import large_world
from tests.sandbox.one_company import of_one_company

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
