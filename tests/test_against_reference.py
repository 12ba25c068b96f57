"""The product answers as the reference does, on every column of every row, in dense random worlds."""

import os

from hypothesis import HealthCheck, given, settings

from tests.reference.comparing import differences
from tests.reference.product import product
from tests.reference.rules import reference
from tests.strategies import World, worlds


@settings(
    max_examples=150,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(worlds())
def test_the_product_answers_as_the_reference_does(world: World) -> None:
    assert not differences(product(*world), reference(*world))
