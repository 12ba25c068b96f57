"""What the tests of guards share with those of nights."""

from tests.runs.conftest import nights

__all__ = ["nights"]
