"""What the tests of guards share with those of runs."""

from tests.runs.conftest import runs

__all__ = ["runs"]
