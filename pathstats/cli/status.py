"""`pathstats status`"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pathstats.cli.options import HomeOption, JsonOption, reporting_errors, write_json
from pathstats.cli.render.printable import say
from pathstats.freshness import Freshness, duration, freshness
from pathstats.tables import latest_release
from schemas.errors import NoRelease, Stale
from schemas.home import Home, Release, home_at
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from flows.release.catalog import Rollback


@reporting_errors
def status(
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="AGE",
            help="End with 6 if the release's as_of is longer ago than this: 90m, 26h, 3d. For monitors.",
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the live release, its age and its data's, and why the last run failed.

    With --max-age the exit code is 6 if the release is older or missing.

    Examples:

    pathstats status

    pathstats status --max-age 26h
    """
    from flows.ops import incidents
    from flows.release import catalog

    allowed = None if max_age is None else duration(max_age)
    place = home_at(home)
    incident = incidents.going_on(place)
    failure = incident.note() if incident else None
    manifest = catalog.manifest_of(_answering(place, failure, max_age))
    fresh, rollback = freshness(manifest, datetime.now(UTC)), catalog.rollback(place)
    is_stale = None if allowed is None else fresh.age > allowed
    if as_json:
        write_json(_facts(manifest, fresh, rollback, is_stale, failure))
    else:
        from pathstats.cli.render.release_status import show_status

        show_status(manifest, fresh, rollback, failure)
    if is_stale:
        from pathstats.cli.render.console import moment

        raise Stale(
            f"The latest release is as of {moment(manifest.as_of)}, longer than {max_age} ago; "
            "see what stopped the run since, and run it."
        )


def _answering(home: Home, failure: dict[str, Any] | None, max_age: str | None) -> Release:
    """The live release; if there is none, print why the last run failed before raising."""
    if failure and not home.latest.exists():
        from pathstats.cli.render.console import failure_sentences

        say("\n".join(failure_sentences(failure)), err=True)
    try:
        return latest_release(home)
    except NoRelease as error:
        if max_age is None:
            raise
        raise Stale(str(error)) from error


def _facts(
    manifest: Manifest,
    fresh: Freshness,
    rollback: "Rollback | None",
    is_stale: bool | None,
    failure: dict[str, Any] | None,
) -> dict[str, Any]:
    """The manifest, with the release's age and rollbacks."""
    facts: dict[str, Any] = json.loads(manifest.to_json())
    for name, data in fresh.tables.items():
        facts["tables_in"][name] |= {"data_age_hours": _hours(data.age), "is_behind": data.is_behind}
    return {
        **facts,
        "age_hours": _hours(fresh.age),
        "is_stale": is_stale,
        "rollback": asdict(rollback) if rollback else None,
        "last_failure": failure,
    }


def _hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 2)
