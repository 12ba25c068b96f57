"""`pathstats verify`"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pathstats import settings
from pathstats.cli.options import HomeOption, JsonOption, reporting_errors
from pathstats.scanning import latest_release
from schemas.errors import NoRelease, ReleaseDamaged, UsageError

if TYPE_CHECKING:
    from flows.publishing.verifying import Verified


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

    Names each file that is missing, additional or changed, and ends with 1 if there is one.

    Examples:

    pathstats verify

    pathstats verify --all --json
    """
    from flows.publishing import history, verifying

    if release is not None and everything:
        raise UsageError("Give a release's id or --all, not both.")
    place = settings.home(home)
    if everything:
        verified = verifying.verify_all(place)
        if not verified:
            raise NoRelease(place.root)
    else:
        chosen = latest_release(place) if release is None else history.find(place, release)
        verified = [verifying.verify(chosen)]
    if as_json:
        typer.echo(json.dumps({"releases": [_facts(it) for it in verified]}, indent=2))
    else:
        from pathstats.cli.release_screen import show_verified

        show_verified(verified)
    damaged = [it.release_id for it in verified if it.faults]
    if damaged:
        raise ReleaseDamaged(
            f"{'Release' if len(damaged) == 1 else 'Releases'} {', '.join(damaged)} "
            f"{'is' if len(damaged) == 1 else 'are'} not what was published; "
            "`pathstats rollback` switches to an intact one, a new night publishes one."
        )


def _facts(verified: "Verified") -> dict[str, object]:
    return {
        "release_id": verified.release_id,
        "is_intact": not verified.faults,
        "files": verified.files,
        "bytes": verified.bytes,
        **{kind: verified.named(kind) for kind in ("missing", "additional", "changed")},
    }
