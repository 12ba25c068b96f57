"""The manifest's entry of each file in a release: hash, size and rows."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from flows.home.fsync import sync
from schemas.home import Release
from schemas.manifest import FileOut

# A hash takes one core: the two largest files, which are most of a release, get one each.
AT_ONCE = 2


def described(release: Release, files: list[Path]) -> dict[str, FileOut]:
    """Files of the release, by name: hashed, and on disk. They must be complete: they are read only once."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as hashing:
        found = dict(zip(map(release.named, files), hashing.map(_described, files), strict=True))
    for folder in {file.parent for file in files} - {release.folder}:
        sync(folder)
    return found


def sha256(file: Path) -> str:
    """The hash of the file, which is read to its end."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _described(file: Path) -> FileOut:
    digest = sha256(file)
    sync(file)
    rows = (
        pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
        if file.suffix == ".parquet"
        else None
    )
    return FileOut(digest, file.stat().st_size, rows)
