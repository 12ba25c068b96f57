"""No room, or no permission, to write: one sentence, exit code 1, the last release answers, then it goes on."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.home import Home
from tests.a_night import AS_OF, as_parquet, assert_complete, latest, night, small_world

PATHSTATS = Path(sys.executable).with_name("pathstats")
LATER = AS_OF + timedelta(days=1)
KIB = 1024
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once")
    night(as_parquet(folder / "in", small_world()), folder / "home")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A disk of 16 MiB; none where nothing may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    )
    yield disk if mounted else None
    if mounted:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def shell(
    source: Path, home: Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    arguments = ["run", "--source", f"files:{source}", "--as-of", LATER.isoformat(), "--direct", "--json"]
    return subprocess.run(
        [str(PATHSTATS), *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        preexec_fn=before,
        timeout=60,
        check=False,
    )


def assert_one_sentence(done: Done, *words: str) -> None:
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("pathstats: ")
    assert any(word in line for word in words), line


@pytest.mark.parametrize("room", [0, 40, 400, 1_200, 2_400])
def test_a_disk_that_fills_up(
    published_once: Path, tmp_path: Path, small_disk: Path | None, room: int
) -> None:
    """room: KiB that are free when it begins; where nothing may be mounted, what a file may grow to."""
    source, home = published_once / "in", (small_disk or tmp_path) / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first = assert_complete(latest(home))
    filler = (small_disk or tmp_path) / "filler"
    if small_disk:
        disk = os.statvfs(small_disk)
        filler.write_bytes(bytes(max(disk.f_bavail * disk.f_frsize - room * KIB, 0)))
        done = shell(source, home)
    else:
        limit = room * KIB
        done = shell(source, home, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert_one_sentence(done, "Make room and run again", "can't be written", "no room to load it")
    assert assert_complete(latest(home)) == first
    filler.unlink(missing_ok=True)
    assert night(source, home, LATER) == assert_complete(latest(home))
    assert not Home(home).failure.exists()


def without_root_s_power() -> None:
    """Permissions bind this process, also if it is root's: it gives up the capabilities that pass over them."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2, 3):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: else the next program gets it back


def test_a_home_that_may_only_be_read(published_once: Path, tmp_path: Path) -> None:
    source, home = published_once / "in", tmp_path / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first = assert_complete(latest(home))
    modes = {path: path.stat().st_mode for path in (home, *home.rglob("*")) if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    done = shell(source, home, without_root_s_power)
    assert_one_sentence(done, "can't be written")
    assert assert_complete(latest(home)) == first
    for path, mode in modes.items():
        path.chmod(mode)
    assert night(source, home, LATER).as_of == LATER.isoformat()


def test_a_published_folder_that_may_only_be_read(published_once: Path, tmp_path: Path) -> None:
    """The home itself may be written: the night is stopped where it builds the release."""
    source, home = published_once / "in", tmp_path / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first = assert_complete(latest(home))
    Home(home).published.chmod(0o555)
    done = shell(source, home, without_root_s_power)
    assert_one_sentence(done, "Permission denied")
    assert assert_complete(latest(home)) == first
    Home(home).published.chmod(0o755)
    assert night(source, home, LATER).as_of == LATER.isoformat()
