"""Print one line per run of `pathstats schedule`: its figures, or the reason of its failure."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flows.ops.run_figures import in_one_line
from flows.ops.run_parameters import FIXED
from schemas.errors import PathStatsError
from schemas.manifest import Manifest


@contextmanager
def shown(name: str | None) -> Iterator[Callable[[Manifest], None]]:
    """Print the line of a run in a process of `schedule`; do nothing elsewhere."""
    if FIXED not in os.environ:
        yield lambda _: None
        return
    try:
        yield lambda manifest: _write(f"{name}: {in_one_line(manifest)}")
    except PathStatsError as error:
        _write(f"{name} failed: {error}")
        raise


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
