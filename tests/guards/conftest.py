"""Fixtures shared with the tests of runs."""

from tests.runs.conftest import runs

__all__ = ["runs"]
