"""A home with releases made at chosen times: copies of one small run under other names."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from schemas.home import Home, Release
from tests.helpers.one_run import AS_OF, as_parquet, latest, run, small_world

# Before any clock that these tests may run by.
MADE = datetime(2020, 3, 10, 2, tzinfo=UTC)


def home_with_one_release(folder: Path) -> Home:
    """A home in which the small world was published once; its source is in `in`, in the same folder."""
    shutil.copytree(_once().name, folder, symlinks=True, dirs_exist_ok=True)
    return Home(folder / "home")


@cache
def _once() -> TemporaryDirectory[str]:
    """Where that was done; every other such home is a copy."""
    made = TemporaryDirectory()
    run(as_parquet(Path(made.name, "in"), small_world()), Path(made.name, "home"))
    return made


def shelve(home: Home, release_id: str, created_at: datetime, as_of: datetime = AS_OF) -> Release:
    """One more release, a copy of the latest, with the given times; `latest` stays."""
    made = Release(shutil.copytree(latest(home.root).folder, home.release(release_id).folder))
    edit_manifest(made, release_id=release_id, created_at=created_at.isoformat(), as_of=as_of.isoformat())
    return made


def edit_manifest(release: Release, **facts: Any) -> None:
    messages = json.loads(release.manifest.read_text("utf-8"))
    release.manifest.write_text(json.dumps({**messages, **facts}), "utf-8")


def ids(home: Home) -> set[str]:
    """The names in the folder of releases."""
    return {entry.name for entry in home.releases.iterdir()}


def runs(home: Home, *days: int) -> list[str]:
    """Releases as of days of March, each made in the run after its day, in this order of making."""
    made = []
    for number, day in enumerate(days):
        as_of = datetime(2026, 3, day, tzinfo=UTC)
        release_id = f"{as_of:%Y%m%dT%H%M%SZ}-1"
        shelve(home, release_id, MADE + timedelta(days=number), as_of)
        made.append(release_id)
    return made
