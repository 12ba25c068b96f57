"""The one place that reads the environment."""

import os
from pathlib import Path

from schemas.home import Home, default_home


def home(given: str | Path | None = None) -> Home:
    """The home: what was given, else PATHSTATS_HOME, else `data/` of the checkout.

    Absolute, so that it stays the same folder when the process moves to another one.
    """
    return Home(Path(given or os.environ.get("PATHSTATS_HOME") or default_home()).absolute())
