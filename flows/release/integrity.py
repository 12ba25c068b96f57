"""Verify a release against its manifest: every file present, none in addition, each unchanged."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.release import catalog
from flows.release.checksums import AT_ONCE, sha256
from schemas.home import Home, Release
from schemas.manifest import SCHEMA_VERSION, FileOut, Manifest

log = logging.getLogger("pathstats.run.verifying")


@dataclass(frozen=True)
class Fault:
    """A fault of one file of a release.

    detail: in words, how a changed file differs; may be empty.
    """

    file: str
    kind: Literal["missing", "additional", "changed"]
    detail: str = ""


@dataclass(frozen=True)
class Verified:
    """A release that was read to its last byte.

    files, bytes: what its manifest lists; 0 if the manifest itself is at fault.
    faults:       by file name; none if the release is intact.
    """

    release_id: str
    files: int
    bytes: int
    faults: list[Fault]

    def named(self, kind: str) -> list[str]:
        """The files with that kind of fault."""
        return [fault.file for fault in self.faults if fault.kind == kind]


def verify(release: Release) -> Verified:
    """Hash every file of the release again.

    The manifest itself has no checksum: it must be readable and name its own folder.
    """
    name = release.folder.name
    manifest = catalog.read(release)
    if isinstance(manifest, str):
        wrong = Fault("manifest.json", "changed", manifest)
        return Verified(name, 0, 0, [Fault("manifest.json", "missing") if manifest == "missing" else wrong])
    found = {release.named(file) for file in release.files()} - {release.manifest.name}
    faults = [Fault(file, "missing") for file in manifest.files.keys() - found]
    faults += [Fault(file, "additional") for file in found - manifest.files.keys()]
    both = sorted(found & manifest.files.keys())
    with ThreadPoolExecutor(max_workers=AT_ONCE) as hashing:
        differences = hashing.map(lambda file: _difference(release.folder / file, manifest.files[file]), both)
        faults += [
            Fault(file, "changed", difference)
            for file, difference in zip(both, differences, strict=True)
            if difference
        ]
    size = sum(out.bytes for out in manifest.files.values())
    return Verified(name, len(manifest.files), size, sorted(faults, key=lambda fault: fault.file))


def verify_all(home: Home) -> list[Verified]:
    """Every release of the home, the newest first, then those without a sound manifest."""
    ids = [manifest.release_id for manifest in catalog.published(home)] + catalog.damaged(home)
    verified = []
    for release in map(home.release, ids):
        # A run may delete old releases in the meantime: they are not damaged.
        with suppress(FileNotFoundError):
            result = verify(release)
            if release.folder.exists():
                verified.append(result)
    return verified


def intact(home: Home) -> Manifest | None:
    """The manifest of the release that answers, if that has today's columns and every byte of it is there."""
    manifest = catalog.live_release(home)
    if manifest is None or manifest.schema_version != SCHEMA_VERSION:
        return None
    if verify(home.release(manifest.release_id)).faults:
        log.warning(
            "Release %s is damaged; everything is recomputed, nothing is compared.", manifest.release_id
        )
        return None
    return manifest


def _difference(file: Path, out: FileOut) -> str:
    """How the file differs from what was published; empty if it does not."""
    try:
        if not file.is_file():
            return "not a file"
        size = file.stat().st_size
        if size != out.bytes:
            return f"{size:,} bytes, published with {out.bytes:,}"
        same = sha256(file) == out.sha256
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return "" if same else "as many bytes as published, but other ones"
