"""Allow one run at a time per home."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from schemas.errors import HomeBusy, HomeUnwritable
from schemas.home import Home


@contextmanager
def one_run_at_a_time(home: Home) -> Iterator[None]:
    """Hold the home's lock; the system releases it if the process dies."""
    lock = FileLock(home.lock, timeout=0)
    try:
        home.published.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise HomeBusy(f"Another run is running in {home.root}; wait for it to end.") from error
    except OSError as error:
        raise HomeUnwritable(
            f"{home.root} can't be written ({error.strerror}); give --home a folder this user may write to."
        ) from error
    try:
        yield
    finally:
        lock.release()
