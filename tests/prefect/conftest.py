"""One Prefect server for all tests of this folder, and a home for each other server that a test starts."""

import gc
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

# With --dist loadgroup all run where the server is; and two that start together take more than twice as long.
# Prefect 3.8's client leaves a socket of its own to the garbage collector.
MARKS = (
    pytest.mark.xdist_group("prefect"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for mark in MARKS:
                item.add_marker(mark)


@pytest.fixture(scope="package", autouse=True)
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """While a server runs, with a home of its own: its database as it was before the first request.

    To make one takes Prefect ten seconds.
    """
    folder = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_HOME", str(folder))
        patch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            file = folder / "empty.db"
            with closing(sqlite3.connect(database())) as made, closing(sqlite3.connect(file)) as copy:
                made.backup(copy)
                assert copy.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
            yield file
    collect_sockets()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    collect_sockets()


def collect_sockets() -> None:
    """Those that Prefect's client leaves to the garbage collector: here they fail no test, elsewhere any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def database() -> Path:
    """The database of the server that is known here."""
    from prefect.settings import get_current_settings

    address = get_current_settings().server.database.connection_url
    assert address is not None
    return Path(address.get_secret_value().removeprefix("sqlite+aiosqlite:///"))


@pytest.fixture(scope="package")
def prefect_home(empty_database: Path) -> Callable[[Path], Path]:
    """Makes a PREFECT_HOME of a folder, for a server that a command starts."""

    def made(folder: Path) -> Path:
        folder.mkdir()
        shutil.copyfile(empty_database, folder / "prefect.db")
        return folder

    return made
