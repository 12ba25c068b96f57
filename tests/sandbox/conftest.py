"""Platforms that the tests ask: the demo's, one with more of everything than a page holds."""

from datetime import UTC, datetime

import pytest

from flows.sandbox.app import Sandbox
from flows.sandbox.platform import Platform
from flows.sandbox.sound_tables import Tables, sound_tables
from tests.sandbox.a_client import Client
from tests.sandbox.a_large_world import large_world

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo_tables() -> Tables:
    return sound_tables("demo:learners=200", NOW)


@pytest.fixture(scope="session")
def demo_platform(demo_tables: Tables) -> Platform:
    return Platform(demo_tables, NOW)


@pytest.fixture(scope="session")
def large_platform() -> Platform:
    return Platform(large_world(), NOW)


@pytest.fixture
def demo(demo_platform: Platform) -> Client:
    return Client(Sandbox(demo_platform, limit=0))


@pytest.fixture
def large(large_platform: Platform) -> Client:
    return Client(Sandbox(large_platform, limit=0))
