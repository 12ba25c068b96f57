"""What the tests of guards share with those of nights."""

from tests.nights.conftest import nights

__all__ = ["nights"]
