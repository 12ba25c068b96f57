"""No room, or no permission, to write: one sentence, the last release answers, the next run succeeds."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.ops import incidents
from pathstats import PathStats
from pathstats.cli.main import app
from schemas.errors import PathStatsError
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, run, small_world

PATHSTATS = Path(sys.executable).with_name("pathstats")
# KiB that are left when a run begins: it stops at its first write, in the release, or at its report.
ROOMS = (0, 20, 40, 50, 60, 80, 140)
# So many are enough to publish, and too few for the warehouse to put its log in its place.
JUST_ENOUGH = 400
FORBIDDEN = (("", "can't be written"), ("published", "Permission denied"))
LATER = AS_OF + timedelta(days=1)
KIB = 1024
Done = subprocess.CompletedProcess[str]


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


@contextmanager
def room_for(room: int, small_disk: Path | None) -> Iterator[None]:
    """No more room than so many KiB; where nothing may be mounted, no file may grow beyond."""
    if small_disk:
        disk, filler = os.statvfs(small_disk), small_disk / "filler"
        filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - room * KIB))
        yield
        filler.unlink()
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room * KIB, before[1]))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", ROOMS)
def test_a_disk_that_fills_up(
    published_once: Path, tmp_path: Path, small_disk: Path | None, room: int
) -> None:
    source, home = published_once / "in", (small_disk or tmp_path) / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first = assert_complete(latest(home))
    with (
        room_for(room, small_disk),
        pytest.raises(PathStatsError, match=r"Make room|not enough memory or disk space") as stopped,
    ):
        run(source, home, LATER)
    assert stopped.value.exit_code == 1
    incident = incidents.going_on(Home(home))
    assert incident is not None
    assert "ake room" in incident.last.message
    assert list(home.glob("*.new")) == []
    assert not Home(home).building.folder.exists()
    assert assert_complete(latest(home)) == first
    assert PathStats(home).lookup("S", "u2")["progress"] == 100
    assert run(source, home, LATER) == assert_complete(latest(home))
    assert not Home(home).failure.exists()


def test_a_disk_that_is_just_not_full(published_once: Path, tmp_path: Path, small_disk: Path | None) -> None:
    source, home = published_once / "in", (small_disk or tmp_path) / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    with room_for(JUST_ENOUGH, small_disk):
        assert run(source, home, LATER) == assert_complete(latest(home))
    tables = small_world()
    tables["enrollments"] = tables["enrollments"][:2]
    as_parquet(tmp_path / "fewer", tables)
    manifest = run(tmp_path / "fewer", home, LATER + timedelta(days=1))
    assert (manifest.enrollments, manifest.reused) == (2, 2)


def test_a_full_disk_as_a_shell_sees_it(
    published_once: Path, tmp_path: Path, small_disk: Path | None
) -> None:
    source, home = published_once / "in", (small_disk or tmp_path) / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    with room_for(0, small_disk):
        done = shell(source, home)
        messages = CliRunner().invoke(app, ["status", "--home", str(home)])
    assert_one_sentence(done, "free some and run again")
    assert "The last run failed at" in messages.stdout
    assert "No run has failed since." not in messages.stdout


def without_root_s_power() -> None:
    """Permissions bind this process, also if it is root's: it can't pass over them any more."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2, 3):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: else the next program gets it back


@pytest.mark.parametrize(("folder", "words"), FORBIDDEN)
def test_a_folder_that_may_only_be_read(
    published_once: Path, tmp_path: Path, folder: str, words: str
) -> None:
    """The run does not begin in a home that can't be written, else stops where it builds the release."""
    source, home = published_once / "in", tmp_path / "home"
    shutil.copytree(published_once / "home", home, symlinks=True)
    first = assert_complete(latest(home))
    paths = (home / folder, *(home / folder).rglob("*"))
    modes = {path: path.stat().st_mode for path in paths if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    done = shell(source, home, without_root_s_power)
    assert_one_sentence(done, words)
    assert assert_complete(latest(home)) == first
    for path, mode in modes.items():
        path.chmod(mode)
    assert run(source, home, LATER).as_of == LATER.isoformat()
