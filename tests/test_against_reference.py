"""The product answers as the reference does, on every column of every row, in dense random worlds."""

import os

from hypothesis import HealthCheck, given, settings

from tests.reference.comparing import differences
from tests.reference.product import product
from tests.reference.rules import reference
from tests.strategies import World, large_worlds, small_worlds

thorough = settings(
    max_examples=25,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@thorough
@given(small_worlds())
def test_in_small_worlds(world: World) -> None:
    assert not differences(product(*world), reference(*world))


@thorough
@given(large_worlds())
def test_in_large_worlds(world: World) -> None:
    assert not differences(product(*world), reference(*world))
