"""`pathstats rollback`"""

from typing import Annotated

import typer

from pathstats.cli.options import HomeOption, now, reporting_errors
from pathstats.cli.render.printable import say
from schemas.home import home_at


@reporting_errors
def rollback(
    release: Annotated[
        str, typer.Argument(metavar="ID", help="The release's id; `pathstats releases` lists them.")
    ],
    home: HomeOption = None,
) -> None:
    """Make an older release the live one, until the next run publishes.

    Its files are hashed first; running look-ups and scans use it at once.
    `pathstats status` reports the rollback. Rolling back to the newest release undoes it.

    Example:

    pathstats rollback 20260310T020000Z-1
    """
    from flows.release.rollback import roll_back

    place = home_at(home)
    switched = roll_back(place, release, now())
    if switched is None:
        say(f"Release {release} is the latest already; nothing was changed.")
        return
    from pathstats.cli.render.release_list import show_switched

    show_switched(switched)
