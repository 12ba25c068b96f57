"""Report the measurements of a process."""

import json
import resource
import sys


def peak_mb() -> float:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def report(seconds: dict[str, float]) -> None:
    """Print the seconds by phase, and the process's peak memory, as the last line on stdout."""
    sys.stdout.write(json.dumps({**seconds, "peak_mb": peak_mb()}) + "\n")
