"""The product answers as the reference does, on every column of every row, in dense random worlds."""

import os

from hypothesis import HealthCheck, given, settings

from tests.helpers.nested_worlds import large_families, small_families
from tests.helpers.random_worlds import World, large_worlds, small_worlds
from tests.reference.comparing import differences
from tests.reference.product import product
from tests.reference.rules import reference

thorough = settings(
    max_examples=12,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


@thorough
@given(small_worlds())
def test_in_small_worlds(world: World) -> None:
    assert not differences(product(*world), reference(*world))


@thorough
@given(large_worlds())
def test_in_large_worlds(world: World) -> None:
    assert not differences(product(*world), reference(*world))


@settings(thorough, max_examples=6)
@given(small_families())
def test_in_small_worlds_of_families(world: World) -> None:
    assert not differences(product(*world), reference(*world))


@settings(thorough, max_examples=3)
@given(large_families())
def test_in_large_worlds_of_families(world: World) -> None:
    assert not differences(product(*world), reference(*world))
