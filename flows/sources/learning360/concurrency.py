"""Run coroutines concurrently and report one failure."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from schemas.errors import SourceUnavailable


async def together(*work: Coroutine[Any, Any, object]) -> None:
    """Run the coroutines concurrently; the first failure cancels the others.

    Raises: one of the failures, preferring permanent ones.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        raise _chief(failures) from None


def _chief(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves = [
        leaf
        for failure in failures.exceptions
        for leaf in ([_chief(failure)] if isinstance(failure, BaseExceptionGroup) else [failure])
    ]
    return min(leaves, key=lambda leaf: isinstance(leaf, SourceUnavailable))
