"""`pathstats verify`"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pathstats.cli import typed
from pathstats.cli.options import HomeOption, JsonOption, reporting_errors, write_json
from pathstats.tables import reading
from schemas.errors import NoRelease, ReleaseDamaged, UsageError
from schemas.home import Home, Release, home_at

if TYPE_CHECKING:
    from flows.release.integrity import Verified


@reporting_errors
def verify(
    release: Annotated[
        str | None, typer.Argument(metavar="ID", show_default="the latest", help="The release's id.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every release that is kept.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hash every file of a release again and compare with its manifest.

    Names each file that is missing, additional or changed; the exit code is 7 if there is any.

    Examples:

    pathstats verify

    pathstats verify --all --json
    """
    from flows.release import integrity

    if release is not None and everything:
        raise UsageError("Give a release's id or --all, not both.")
    place = home_at(home)
    if everything:
        verified = integrity.verify_all(place)
        if not verified:
            raise NoRelease(place.root)
    else:
        with _chosen(place, release) as chosen:
            verified = [integrity.verify(chosen)]
    if as_json:
        write_json({"releases": [_facts(it) for it in verified]})
    else:
        from pathstats.cli.render.release_list import show_verified

        show_verified(verified)
    damaged = [it.release_id for it in verified if it.faults]
    if damaged:
        raise ReleaseDamaged(
            f"{'Release' if len(damaged) == 1 else 'Releases'} {', '.join(damaged)} "
            f"{'is' if len(damaged) == 1 else 'are'} not what was published; "
            f"`{typed.pathstats()} rollback` switches to an intact one, a new run publishes one."
        )


@contextmanager
def _chosen(home: Home, release_id: str | None) -> Iterator[Release]:
    """The release with this id, or the latest one; runs don't delete it inside the block."""
    from flows.release import catalog
    from flows.release.release_locks import in_use

    if release_id is None:
        with reading(home) as release:
            yield release
        return
    with in_use(catalog.find(home, release_id)) as exists:
        # Finding it again raises if it has been deleted in the meantime.
        yield home.release(release_id) if exists else catalog.find(home, release_id)


def _facts(verified: "Verified") -> dict[str, object]:
    return {
        "release_id": verified.release_id,
        "is_intact": not verified.faults,
        "files": verified.files,
        "bytes": verified.bytes,
        **{kind: verified.named(kind) for kind in ("missing", "additional", "changed")},
    }
