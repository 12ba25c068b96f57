"""Restrict a home to its owner and group: it contains names, e-mails and results."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.home import Home

# The group may not write; others have no access.
_TAKEN = 0o027


@contextmanager
def private() -> Iterator[None]:
    """Create files as 0640 and folders as 0750 inside, or stricter where the process's umask is.

    The umask belongs to the whole process: it is set back at the end.
    """
    before = os.umask(0o077)
    os.umask(before | _TAKEN)
    try:
        yield
    finally:
        os.umask(before)


def tighten(home: Home) -> None:
    """Take the same from what an earlier version, or a copy, has left in the home.

    The home's own folder stays as it is: it may be one that others use too.
    """
    for path in _private_paths(home):
        # A file of another user can't be changed, and a file may be deleted in the meantime.
        with suppress(OSError):
            mode = path.lstat().st_mode
            if mode & _TAKEN and not path.is_symlink():
                path.chmod(mode & 0o7777 & ~_TAKEN)


def _private_paths(home: Home) -> Iterator[Path]:
    yield from home.root.glob(f"{home.warehouse.name}*")
    yield from (home.failure, home.notified, home.rollbacks, home.keys)
    for top in (home.landing, home.published):
        for folder, _, files in os.walk(top):
            yield Path(folder)
            yield from (Path(folder, file) for file in files)
