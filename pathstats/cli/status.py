"""`pathstats status`"""

import json
from datetime import UTC, datetime

import typer

from pathstats import settings
from pathstats.cli.options import HomeOption, JsonOption, reporting_errors
from pathstats.scanning import latest_release
from schemas.manifest import Manifest


@reporting_errors
def status(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Tell which release answers, how old it is and what is in it, and what stopped the last night."""
    place = settings.home(home)
    failure = json.loads(place.failure.read_text("utf-8")) if place.failure.exists() else None
    if failure and not place.latest.exists():
        from pathstats.cli.screen import failure_sentences

        typer.echo("\n".join(failure_sentences(failure)), err=True)
    manifest = Manifest.read(latest_release(place).manifest)
    age_hours = (datetime.now(UTC) - datetime.fromisoformat(manifest.as_of)).total_seconds() / 3600
    if as_json:
        facts = json.loads(manifest.to_json())
        typer.echo(json.dumps({**facts, "age_hours": round(age_hours, 2), "last_failure": failure}, indent=2))
        return
    from pathstats.cli.screen import show_status

    show_status(manifest, age_hours, failure)
