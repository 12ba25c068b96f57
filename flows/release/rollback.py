"""Switch `latest` back to an older release."""

from dataclasses import dataclass
from datetime import datetime

from flows.home.lock import one_run_at_a_time
from flows.release import catalog
from flows.release.catalog import Rollback
from flows.release.integrity import Verified, verify
from flows.release.publish import switch_latest
from schemas.errors import NoRelease, ReleaseDamaged
from schemas.home import Home
from schemas.manifest import Manifest


@dataclass(frozen=True)
class Switched:
    """The result of a rollback.

    before:    the id of the release that answered until now; null if `latest` was gone.
    is_newest: it is the newest release and took over from an older one: nothing is rolled back any more.
    """

    manifest: Manifest
    before: str | None
    is_newest: bool


def roll_back(home: Home, release_id: str, at: datetime) -> Switched | None:
    """Let that release answer; null if it does already.

    Its files are hashed first. `at` goes into the note that `pathstats status` reads until the next run.
    Raises: NoRelease; UnknownName if the release is unknown; ReleaseDamaged if it is not what was
            published; HomeBusy during a run; HomeUnwritable.
    """
    if not home.releases.is_dir():
        raise NoRelease(home.root)
    with one_run_at_a_time(home):
        release = catalog.find(home, release_id)
        before = catalog.latest_id(home)
        if before == release_id:
            return None
        _reject_damaged(verify(release))
        ids = [manifest.release_id for manifest in catalog.published(home)]
        # Where the one before is gone or damaged, the newest sound one is a step back all the same.
        is_newest = ids[0] == release_id and before in ids
        if not is_newest:
            catalog.note_rollback(home, Rollback(at.isoformat(), release_id, before))
        switch_latest(home, release_id)
    return Switched(catalog.manifest_of(release), before, is_newest)


def _reject_damaged(verified: Verified) -> None:
    """An additional file is harmless to readers of the others; a missing or changed one is not."""
    wrong = [
        f"{fault.file} is {fault.kind}" + (f": {fault.detail}" if fault.detail else "")
        for fault in verified.faults
        if fault.kind != "additional"
    ]
    if wrong:
        raise ReleaseDamaged(
            f"Release {verified.release_id} is damaged ({'; '.join(wrong)}), so `latest` stays as it is; "
            f"choose another one: `pathstats releases`, `pathstats verify --all`."
        )
