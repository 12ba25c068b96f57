"""The releases of a home: which exist, which one is live, and whether it was rolled back to."""

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.home.fsync import sync
from schemas.errors import ReleaseDamaged, UnknownName
from schemas.home import Home, Release
from schemas.manifest import Manifest

_RELEASE_ID = re.compile(r"\d+T\d{6}(\.\d{6})?Z-\d+")


@dataclass(frozen=True)
class Rollback:
    """A switch of `latest` back to an older release.

    at:              when, ISO 8601, UTC.
    from_release_id: the release that answered before; null if `latest` was gone.
    """

    at: str
    release_id: str
    from_release_id: str | None


def published(home: Home) -> list[Manifest]:
    """The manifests of the home's releases, the one made last first.

    Made last by `created_at`, for a run may be for a past as_of; at the same instant by as_of, then by how
    many times that run was published. A folder without a valid manifest does not count.
    """
    manifests = [read(Release(folder)) for folder in _folders(home)]
    return sorted((it for it in manifests if isinstance(it, Manifest)), key=_made, reverse=True)


def earlier(home: Home, as_of: datetime, *, most: int) -> list[Manifest]:
    """Of the newest earlier instants, what was published last as of each; the oldest first.

    What was deleted counts too: its manifest is still there.
    """
    files = [folder / "manifest.json" for folder in _folders(home)] + list(home.deleted.glob("*.json"))
    # Names sort by as_of, so the many that are too old need not be read.
    newest = sorted(files, key=_id_of, reverse=True)
    found: dict[datetime, Manifest] = {}
    for file in newest:
        manifest = _read(file)
        if isinstance(manifest, Manifest) and manifest.release_id == _id_of(file):
            when = datetime.fromisoformat(manifest.as_of)
            if when < as_of and (when not in found or _made(found[when]) < _made(manifest)):
                found[when] = manifest
        if len(found) > most:
            break
    return [found[when] for when in sorted(found)][-most:]


def damaged(home: Home) -> list[str]:
    """Folders that have a release's name and no sound manifest, by name. Nothing deletes them."""
    return [folder.name for folder in _unsound(home) if _RELEASE_ID.fullmatch(folder.name)]


def foreign(home: Home) -> list[str]:
    """Other entries in the folder of releases, by name. They are left alone."""
    names = {entry.name for entry in _entries(home)} - {folder.name for folder in _folders(home)}
    names |= {folder.name for folder in _unsound(home) if not _RELEASE_ID.fullmatch(folder.name)}
    return sorted(names)


def read(release: Release) -> Manifest | str:
    """The release's manifest, or a description of the entry if it has none."""
    manifest = _read(release.manifest)
    if isinstance(manifest, Manifest) and manifest.release_id != release.folder.name:
        return "another release's"
    return manifest


def _read(file: Path) -> Manifest | str:
    try:
        manifest = Manifest.read(file)
        _made(manifest)
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return "unreadable"
    return manifest


def _id_of(file: Path) -> str:
    """The id of the release that this manifest belongs or belonged to."""
    return file.parent.name if file.name == "manifest.json" else file.stem


def manifest_of(release: Release) -> Manifest:
    """The release's manifest.

    Raises: ReleaseDamaged if it is missing, can't be read, or is another release's.
    """
    manifest = read(release)
    if isinstance(manifest, str):
        raise ReleaseDamaged(
            f"Release {release.folder.name} is damaged (manifest.json is {manifest}); "
            "`pathstats rollback` switches to another one, a new run publishes one."
        )
    return manifest


def find(home: Home, release_id: str) -> Release:
    """The release of that id, whatever state it is in.

    Raises: UnknownName.
    """
    ids = [folder.name for folder in _folders(home)]
    if release_id in ids:
        return home.release(release_id)
    # Compared with names, never joined to a path: user input is not a path.
    was_deleted = f"{release_id}.json" in {file.name for file in home.deleted.glob("*.json")}
    fate = "was deleted, for only the newest are kept" if was_deleted else f"is not in {home.root}"
    raise UnknownName(f"Release {release_id!r} {fate}; `pathstats releases` lists the existing ones.")


def latest_id(home: Home) -> str | None:
    """The id of the live release; None without one."""
    try:
        return Path(os.readlink(home.latest)).name
    except OSError:
        return None


def names(home: Home) -> list[str]:
    """The ids of all releases there are, sound or not."""
    return [folder.name for folder in _folders(home)]


def live_release(home: Home) -> Manifest | None:
    """The manifest of the live release; None without one, or if it can't be read."""
    release_id = latest_id(home)
    manifest = read(home.release(release_id)) if release_id else None
    return manifest if isinstance(manifest, Manifest) else None


def rollback(home: Home) -> Rollback | None:
    """How the release that answers came to answer, if a person switched back to it.

    A note of a switch that did not come about, or that a run has followed, names another release.
    """
    live_release = latest_id(home)
    return next((note for note in reversed(_rollbacks(home)) if note.release_id == live_release), None)


def note_rollback(home: Home, note: Rollback) -> None:
    """Add a rollback to the recorded ones, in one step.

    Call it before `latest` switches: if that never happens, the earlier entries are still true.
    """
    temporary = home.rollbacks.with_suffix(".new")
    temporary.write_text(
        json.dumps([asdict(it) for it in (*_rollbacks(home), note)], indent=2) + "\n", "utf-8"
    )
    sync(temporary)
    os.replace(temporary, home.rollbacks)
    sync(home.root)


def _rollbacks(home: Home) -> list[Rollback]:
    try:
        return [Rollback(**note) for note in json.loads(home.rollbacks.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _entries(home: Home) -> list[Path]:
    return list(home.releases.iterdir()) if home.releases.is_dir() else []


def _folders(home: Home) -> list[Path]:
    """Real folders only: a link among the releases may point to foreign data."""
    return [entry for entry in _entries(home) if entry.is_dir() and not entry.is_symlink()]


def _unsound(home: Home) -> list[Path]:
    unsound = [folder for folder in sorted(_folders(home)) if isinstance(read(Release(folder)), str)]
    # A release that a run has deleted in the meantime is not invalid.
    return [folder for folder in unsound if folder.is_dir()]


def _made(manifest: Manifest) -> tuple[datetime, datetime, int, str]:
    """The sort key of releases.

    Raises: ValueError, TypeError or OverflowError if its times are invalid.
    """
    number = manifest.release_id.rpartition("-")[2]
    return (
        datetime.fromisoformat(manifest.created_at).astimezone(UTC),
        datetime.fromisoformat(manifest.as_of).astimezone(UTC),
        int(number) if number.isdecimal() else 0,
        manifest.release_id,
    )
