"""Delete old releases: move each out of the releases by one rename, then delete its files."""

import logging
import shutil
from contextlib import suppress

from flows.home.fsync import sync
from flows.release import catalog
from flows.release.release_locks import not_in_use
from schemas.home import Home, Release

log = logging.getLogger("pathstats.run.retention")


def delete_beyond(home: Home, keep: int, just_published: str) -> list[str]:
    """Delete the oldest releases beyond `keep`, and what an interrupted deletion left; the ids that went.

    Never the one that answers, nor the one just published, nor one that a command reads. What can't be
    deleted is reported in a warning and tried again by the next run: a published run does not fail on
    old releases.
    """
    spared = {just_published, catalog.latest_id(home)}
    ids = [manifest.release_id for manifest in catalog.published(home)]
    others = [release_id for release_id in ids if release_id not in spared]
    beyond = others[max(keep - len(spared.intersection(ids)), 0) :]
    # The oldest first: an interruption leaves the newer ones.
    gone = [release_id for release_id in reversed(beyond) if _taken_out(home, release_id)]
    sweep(home)
    return gone


def sweep(home: Home) -> None:
    """Remove releases that are being deleted; each manifest stays, in `deleted/`, so that no id is reused."""
    if not home.deleting.is_dir():
        return
    try:
        # Else a power cut could bring a folder back among the releases without its files.
        sync(home.deleting)
        sync(home.releases)
        for folder in sorted(home.deleting.iterdir()):
            # On a full disk there may be no room for the manifest, and the release must go all the same.
            with suppress(OSError):
                _keep_manifest(home, Release(folder))
            shutil.rmtree(folder)
        home.deleting.rmdir()
    except OSError as error:
        log.warning(
            "%s can't be emptied (%s); the next run tries again.", home.deleting, error.strerror or error
        )


def _taken_out(home: Home, release_id: str) -> bool:
    """Move it out of the releases in one step."""
    try:
        home.deleting.mkdir(exist_ok=True)
        with not_in_use(home.release(release_id)):
            home.release(release_id).folder.rename(home.deleting / release_id)
    except BlockingIOError:
        log.warning("Old release %s is being read by a command; the next run deletes it.", release_id)
        return False
    except OSError as error:
        log.warning("Old release %s can't be deleted (%s).", release_id, error.strerror or error)
        return False
    return True


def _keep_manifest(home: Home, release: Release) -> None:
    if release.manifest.exists():
        home.deleted.mkdir(exist_ok=True)
        release.manifest.rename(home.deleted / f"{release.folder.name}.json")
