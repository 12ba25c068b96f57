"""Format commands as the user would type them, for hints that can be copied."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def pathstats() -> str:
    """`pathstats`, or the path it was started with if it is not on PATH.

    A path below the working folder is relative: `.venv/bin/pathstats`.
    """
    started = Path(sys.argv[0])
    if started.name != "pathstats":
        # Started as a module or by a test, not as a command.
        return "pathstats"
    found = shutil.which("pathstats")
    if found and Path(found).absolute() == started.absolute():
        return "pathstats"
    return str(from_here(Path(os.path.abspath(started))))


def command(words: str, home: Path | None) -> str:
    """The complete command for a user to paste, with --home if one was given.

    >>> command("keys list", Path("my home"))
    "pathstats keys list --home 'my home'"
    >>> command("keys list", None)
    'pathstats keys list'
    """
    return f"{pathstats()} {words}" + (f" --home {shlex.quote(str(from_here(home)))}" if home else "")


def from_here(path: Path) -> Path:
    """The path relative to the working folder if it is below it, else unchanged."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
