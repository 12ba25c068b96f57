"""`pathstats releases`"""

from dataclasses import asdict

from pathstats.cli.options import HomeOption, JsonOption, reporting_errors, write_json
from schemas.errors import NoRelease
from schemas.home import home_at


@reporting_errors
def releases(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List the releases, the newest first, and mark the live one.

    Example:

    pathstats releases
    """
    from flows.release import catalog

    place = home_at(home)
    kept, damaged, foreign = catalog.published(place), catalog.damaged(place), catalog.foreign(place)
    if not kept and not damaged:
        raise NoRelease(place.root)
    latest, rollback = catalog.latest_id(place), catalog.rollback(place)
    if as_json:
        listed = [
            {
                "release_id": manifest.release_id,
                "as_of": manifest.as_of,
                "created_at": manifest.created_at,
                "source": manifest.source,
                "enrollments": manifest.enrollments,
                "bytes": manifest.bytes,
                "is_latest": manifest.release_id == latest,
                "is_rolled_back_to": rollback is not None and manifest.release_id == rollback.release_id,
            }
            for manifest in kept
        ]
        facts = {
            "latest": latest,
            "rollback": asdict(rollback) if rollback else None,
            "releases": listed,
            "damaged": damaged,
            "foreign": foreign,
        }
        write_json(facts)
        return
    from pathstats.cli.render.release_list import show_releases

    show_releases(kept, latest, rollback, place)
    if damaged or foreign:
        from pathstats.cli.render.release_list import show_others

        show_others(damaged, foreign)
