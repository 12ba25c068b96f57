"""The command as the user typed it, for hints that can be copied."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def pathstats() -> str:
    """`pathstats`, or the path it was started by if the shell does not find it under that name.

    A path is relative to the working folder where it is below it: `.venv/bin/pathstats`.
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
    """The whole command as a person can paste it, with --home if one was given.

    >>> command("keys list", Path("my home"))
    "pathstats keys list --home 'my home'"
    >>> command("keys list", None)
    'pathstats keys list'
    """
    return f"{pathstats()} {words}" + (f" --home {shlex.quote(str(from_here(home)))}" if home else "")


def from_here(path: Path) -> Path:
    """The path as a person in the working folder would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
