"""Locks on release folders, so that no run deletes a release while a command reads it.

The system releases them when the process ends. Where the file system has no locks, nothing is protected.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemas.home import Release


@contextmanager
def in_use(release: Release) -> Iterator[bool]:
    """Keep the release from being deleted inside; yields whether it still exists."""
    try:
        folder = os.open(release.folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_SH)
        # It may have been moved away between the two calls.
        yield release.folder.exists()
    finally:
        os.close(folder)


@contextmanager
def not_in_use(release: Release) -> Iterator[None]:
    """Keep commands from starting to read the release inside.

    Raises: BlockingIOError if a command is reading it.
    """
    folder = os.open(release.folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        yield
    finally:
        os.close(folder)
