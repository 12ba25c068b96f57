"""Who may read what a run leaves: its owner and the owner's group, whatever the umask was."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.home_with_releases import home_with_one_release
from tests.helpers.one_run import as_parquet, run, small_world


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The permissions of all that is in the folder, and of itself; links left out."""
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in paths}


def test_home_is_its_owner_s_and_group_s_alone(tmp_path: Path, umask: int) -> None:
    run(as_parquet(tmp_path / "in", small_world()), tmp_path / "new" / "home")
    found = modes(tmp_path / "new" / "home")
    assert {"warehouse.duckdb", "published/releases", "."} < set(found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o027} == {}
    # What the umask takes from the group stays taken.
    folder, file = (0o700, 0o600) if umask == 0o077 else (0o750, 0o640)
    assert (found["."], found["warehouse.duckdb"]) == (folder, file)


def test_umask_is_set_back_after_a_run(tmp_path: Path, umask: int) -> None:
    run(as_parquet(tmp_path / "in", small_world()), tmp_path / "home")
    file = tmp_path / "of-another-library"
    file.touch()
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~umask


def test_home_that_all_could_read_is_tightened_by_the_next_run(tmp_path: Path) -> None:
    home = home_with_one_release(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    (home.published / "link").symlink_to(elsewhere)
    for path in (home.root, *home.root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    foreign = home.root / "README.md"
    foreign.touch()
    foreign.chmod(0o644)
    run(tmp_path / "in", home.root)
    found = modes(home.root)
    assert (found.pop("."), found.pop("README.md")) == (0o777, 0o644)
    locks = {home.lock.name}
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o027 and name not in locks} == {}
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o666
