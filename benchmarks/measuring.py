"""How a measured process tells what it measured."""

import json
import resource
import sys


def report(seconds: dict[str, float]) -> None:
    """Print the seconds by phase, and the process's peak memory, as the last line on stdout."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    sys.stdout.write(json.dumps({**seconds, "peak_mb": peak}) + "\n")
