"""Make Prefect quiet and private for the command line. Call `prepare` before importing Prefect."""

import os


def prepare(*, verbose: bool) -> None:
    """Set the variables that the environment does not have yet."""
    wanted = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO" if verbose else "CRITICAL",
    }
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
