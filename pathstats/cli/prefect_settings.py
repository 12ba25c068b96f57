"""How the command line wants Prefect: quiet, private, patient. Call `prepare` before Prefect is imported."""

import os


def prepare(*, verbose: bool) -> None:
    """Set what the environment does not say already."""
    wanted = {
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO" if verbose else "CRITICAL",
    }
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def server_words() -> str:
    """What the person at the screen is waiting for."""
    address = os.environ.get("PREFECT_API_URL")
    if address:
        return "Using the Prefect server of PREFECT_API_URL."
    return "Starting Prefect's own temporary server; this takes about ten seconds (--direct does without)."
