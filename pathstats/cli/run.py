"""`pathstats run`"""

from datetime import datetime
from typing import Annotated

import typer

from pathstats import settings
from pathstats.cli.options import (
    AsOfOption,
    DirectOption,
    HomeOption,
    JsonOption,
    MaxRefusedOption,
    NotifyOption,
    VerboseOption,
    instant,
    now,
    reporting_errors,
)
from schemas.home import Home
from schemas.manifest import Manifest


@reporting_errors
def run(
    source: Annotated[
        str, typer.Option(metavar="SRC", help="files:DIR, oulad:DIR or demo[:learners=N,seed=S].")
    ],
    as_of: AsOfOption = None,
    home: HomeOption = None,
    direct: DirectOption = False,
    max_refused: MaxRefusedOption = 0.05,
    notify: NotifyOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run one night: read the source, compute every statistic, publish a release.

    Examples:

    pathstats run --source files:exports/

    pathstats run --source files:exports/ --as-of 2026-03-10T00:00:00Z --direct --json
    """
    from flows.notices import hand_on

    hand_on(notify)
    manifest = night(source, settings.home(home), instant(as_of), direct, max_refused, as_json, verbose)
    if as_json:
        typer.echo(manifest.to_json(), nl=False)
        return
    from pathstats.cli.screen import show_night

    show_night(manifest, settings.home(home))


def night(
    source: str,
    home: Home,
    as_of: datetime | None,
    direct: bool,
    max_refused: float,
    quiet: bool,
    verbose: bool,
) -> Manifest:
    """One night with its progress on the screen, by Prefect or without it."""
    from flows.night import Plan, run_night
    from flows.sources.opening import open_source
    from pathstats.cli.screen import night_progress

    # A wrong word is told at once, not after Prefect has started.
    open_source(source)
    plan = Plan(source, home, as_of or now(), max_refused)
    with night_progress(quiet=quiet) as say:
        if direct:
            from flows.notices import Webhook

            return run_night(plan, webhook=Webhook.of_environment())
        from pathstats.cli.prefect_settings import prepare, server_words

        prepare(verbose=verbose)
        say(server_words())
        from flows.nightly import nightly

        published = nightly(source=source, home=str(home.root), as_of=as_of, max_refused_share=max_refused)
        return Manifest.read(home.release(published["release_id"]).manifest)
