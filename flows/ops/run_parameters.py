"""Options that a run of a deployment can't choose: anyone who reaches Prefect's API can start one."""

import json
import os
from typing import Any

from flows.run_config import RunConfig
from schemas.errors import UsageError

FIXED = "PATHSTATS_SCHEDULED_RUN"
NOTIFY_URL = "PATHSTATS_NOTIFY_URL"
# The time that the statistics are for, and a full refresh: neither deletes or replaces anything else.
_FREE = {"as_of", "full_refresh"}


def fix(config: RunConfig) -> None:
    """Let the runs of this process and of the processes it starts have these options and no others."""
    os.environ[FIXED] = json.dumps(config.model_dump(mode="json", exclude=_FREE))
    os.environ[NOTIFY_URL] = config.notify_url.get_secret_value() if config.notify_url else ""


def check(config: RunConfig) -> None:
    """Raises: UsageError if a run's options differ from the ones that its process was started with.

    Otherwise a request could choose another home, keep one release so that all others are deleted, or send
    the notifications elsewhere.
    """
    of_environment = RunConfig()
    if FIXED in os.environ:
        fixed, source = json.loads(os.environ[FIXED]), "`pathstats schedule` was started with"
    else:
        fixed = of_environment.model_dump(mode="json", include={"home", "keep"})
        source = "this process's environment (PATHSTATS_HOME, PATHSTATS_KEEP) has"
    given: dict[str, Any] = config.model_dump(mode="json")
    for name, value in fixed.items():
        if given[name] != value:
            raise UsageError(f"A run can't choose {name}; {source} {value!r}.")
    if config.notify_url != of_environment.notify_url:
        raise UsageError(f"A run can't choose notify_url; it is {NOTIFY_URL} in this process's environment.")
