"""Parameters that a run of a deployment can't choose: anyone who reaches Prefect's API can start one."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from schemas.home import default_home

FIXED = "PATHSTATS_SCHEDULED_RUN"
_HOME, _KEEP = "PATHSTATS_HOME", "PATHSTATS_KEEP"
# The time that statistics are for, and a full refresh: they take nothing away.
_FREE = ("as_of", "full_refresh")


def fix(parameters: Mapping[str, Any]) -> None:
    """Let the runs of this process and the processes it starts have these parameters and no others."""
    os.environ[FIXED] = json.dumps({name: it for name, it in parameters.items() if name not in _FREE})


def home_of(given: str | None) -> Path:
    """The home of a run: what was given, else PATHSTATS_HOME, else `data/` of the checkout; absolute."""
    return Path(given or os.environ.get(_HOME) or default_home()).absolute()


def check(parameters: Mapping[str, Any]) -> None:
    """Raises: UsageError if a run's parameters differ from the ones that its process was started with.

    Else a request could choose another home, or keep one release so that all others are deleted.
    """
    if FIXED in os.environ:
        fixed, source = json.loads(os.environ[FIXED]), "`pathstats schedule` was started with"
    else:
        fixed = {"home": str(home_of(None)), "keep": int(os.environ.get(_KEEP) or 30)}
        source = f"this process's environment ({_HOME}, {_KEEP}) has"
    for name, value in fixed.items():
        if parameters[name] != value:
            raise UsageError(f"A run can't choose {name}; {source} {value!r}.")
