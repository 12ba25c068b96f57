"""Publish a release: written in `published/building`, named by one rename; another switches `latest`."""

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flows.home.fsync import sync
from flows.release import retention
from flows.release.checksums import described
from schemas.home import Home, Release
from schemas.manifest import Agreement, Manifest, Matched, StatusCounts, TableIn


def start_building(home: Home) -> Release:
    """An empty folder to write the release into, without leftovers of an unfinished run."""
    retention.sweep(home)
    shutil.rmtree(home.building.folder, ignore_errors=True)
    home.building.folder.mkdir(parents=True)
    return home.building


def discard_unfinished(home: Home) -> None:
    """Remove the release that was being built, and the files that it was loaded from."""
    for folder in (home.building.folder, home.extracts):
        shutil.rmtree(folder, ignore_errors=True)


def next_release_id(home: Home, run_id: str) -> str:
    """The run's name and how many times it was published, counted from 1; deleted releases count."""
    names = [
        *(folder.name for folder in home.releases.glob(f"{run_id}-*")),
        *(folder.name for folder in home.deleting.glob(f"{run_id}-*")),
        *(manifest.stem for manifest in home.deleted.glob(f"{run_id}-*.json")),
    ]
    numbers = [name.removeprefix(f"{run_id}-") for name in names]
    return f"{run_id}-{max((int(number) for number in numbers if number.isdecimal()), default=0) + 1}"


def publish(
    home: Home,
    *,
    release_id: str,
    run_id: str,
    as_of: datetime,
    source: str,
    tables_in: dict[str, TableIn],
    computed: int,
    reused: int,
    since: str | None,
    transitions: dict[str, int],
    companies: dict[str, StatusCounts],
    seconds: dict[str, float],
    parity: Agreement | None = None,
    warnings: list[str] | None = None,
    matched: dict[str, Matched] | None = None,
) -> Manifest:
    """Complete the release that was built with its manifest, and make it the latest.

    Every file is on disk before the release has a name, and the name before `latest` points to it: whenever
    this is interrupted, `latest` names one complete release.
    """
    building = home.building
    manifest = Manifest(
        release_id=release_id,
        run_id=run_id,
        as_of=as_of.isoformat(),
        created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        source=source,
        tables_in=tables_in,
        files=described(building, sorted(building.files())),
        enrollments_by_detailed_status=_by_detailed_status(building),
        computed=computed,
        reused=reused,
        since=since,
        transitions=transitions,
        companies=companies,
        seconds=seconds,
        parity=parity,
        warnings=warnings or [],
        matched=matched or {},
    )
    building.manifest.write_text(manifest.to_json(), "utf-8")
    sync(building.manifest)
    sync(building.folder)
    home.releases.mkdir(exist_ok=True)
    building.folder.rename(home.release(manifest.release_id).folder)
    sync(home.releases)
    switch_latest(home, manifest.release_id)
    forget_rollbacks(home)
    return manifest


def switch_latest(home: Home, release_id: str) -> None:
    """Point `latest` to a release, in one step."""
    temporary = home.published / "latest.new"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path("releases") / release_id)
    os.replace(temporary, home.latest)
    sync(home.published)


def forget_rollbacks(home: Home) -> None:
    """Nothing is rolled back any more. A note that stays names a release that does not answer: no harm."""
    with suppress(OSError):
        home.rollbacks.unlink(missing_ok=True)


def _by_detailed_status(release: Release) -> dict[str, int]:
    """How many enrollments, archived ones included, have each detailed status; the most frequent first."""
    counts = (
        pl.scan_parquet(release.table("path_session_stats"), glob=False)
        .group_by("detailed_status_type")
        .len()
        .sort("len", "detailed_status_type", descending=[True, False])
        .collect()
    )
    return dict(counts.iter_rows())
