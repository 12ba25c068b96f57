"""Each rule is put to both judges: the reference and the product."""

import pytest

from tests.reference.product import Remembering
from tests.reference.rules import reference
from tests.reference.tables import Judge


@pytest.fixture(params=[reference, Remembering()], ids=["reference", "product"])
def judge(request: pytest.FixtureRequest) -> Judge:
    found: Judge = request.param
    return found
