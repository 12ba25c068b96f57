"""One release of two companies, a server over it, and a key to each company."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pathstats.endpoint import keys
from schemas.home import Home
from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.one_run import as_parquet, run
from tests.helpers.server_process import Headers, Server, asking
from tests.reference.tables import world

# In no order of the alphabet; `x/1` and `S /ü+%` are ids that a path must carry encoded.
SESSIONS = """
company | session | ends
acme    | S       | 1 Apr
acme    | S /ü+%  | 5 Mar
acme    | empty   |
zen     | S       | 1 Apr
zen     | Z       |
"""
USERS = """
company | user  | email                     | status
acme    | u2    | zoë+strauß@example.org    | active
acme    | u1    | Ada+Test@Example.org      | active
acme    | x/1   | o'brien/x@example.org     | invited
acme    | u3    |                           | deleted
acme    | u4    | nobody.here@example.org   | active
zen     | u1    | zen.secret@example.org    | active
zen     | z1    | ada+test@example.org      | active
"""
ENROLLMENTS = """
company | enrollment | session | user | archived
acme    | e1         | S       | u1   |
acme    | e2         | S       | u2   |
acme    | e3         | S       | u3   | 6 Mar 12:00:00.000999
acme    | e4         | S       | x/1  |
acme    | e5         | S /ü+%  | u1   |
zen     | e1         | S       | u1   |
zen     | e2         | Z       | z1   |
"""
ACTIVITY = """
company | step | user | completed             | score | time_ms
acme    | A    | u1   | 5 Mar                 | 38    | 96455
acme    | A    | u2   | 5 Mar 12:00:00.999999 |       |
acme    | B    | u2   | 4 Mar                 |       |
zen     | A    | u1   | 6 Mar                 |       |
"""
STATS = "/api/v1/paths/sessions/S/stats"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endpoint")
    tables = world(
        paths="company | path \n acme | P \n zen | P",
        steps="company | step \n acme | A \n acme | B \n zen | A",
        sessions=SESSIONS,
        users=USERS,
        enrollments=ENROLLMENTS,
        activity=ACTIVITY,
    )
    run(as_parquet(folder / "in", tables), folder / "home")
    return folder / "home"


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The small world's release; no test may change it."""
    return home_with_one_release(tmp_path_factory.mktemp("small"))


@pytest.fixture
def own_home(small_home: Home, tmp_path: Path) -> Home:
    """A copy, to do with as one likes."""
    return Home(shutil.copytree(small_home.root, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="session")
def acme(home: Path) -> Headers:
    return _key(home, "acme")


@pytest.fixture(scope="session")
def zen(home: Path) -> Headers:
    return _key(home, "zen")


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[Server]:
    with Server(home) as running:
        yield running


def _key(home: Path, company_id: str) -> Headers:
    return asking(company_id, keys.create(Home(home), company_id, "", datetime.now(UTC))[1])
