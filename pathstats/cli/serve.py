"""`pathstats serve`"""

import sys
from typing import Annotated

import typer

from pathstats.cli import typed
from pathstats.cli.options import HomeOption, reporting_errors
from schemas.home import home_at


@reporting_errors
def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is every way to this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes a free one.")] = 8360,
    report_needs_key: Annotated[
        bool,
        typer.Option(
            "--report-needs-key",
            help="Show no link that opens the report without a key.",
        ),
    ] = False,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Name the learners on the pages of sessions.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve look-ups and the report over HTTP, until Ctrl-C.

    GET /api/v1/paths/sessions/{sessionId}/stats/{userEmailOrId} returns one learner, …/stats/users all
    of a session, …/stats counts by status; /openapi.json describes them. They need a key to their
    company (`pathstats keys create`), as company and apiKey in the query or X-company-id and X-apiKey in the
    headers. / shows the report: with a key, or by the link on the terminal. /healthz and /readyz are for
    monitors. New releases and keys count at once.

    It speaks plain HTTP: to reach it from elsewhere, put a proxy with TLS in front.

    Examples:

    pathstats serve

    pathstats serve --host 0.0.0.0 --port 80
    """
    from pathstats.endpoint.server import address_of, is_loopback, listening

    place = home_at(home)
    listener = listening(host, port)
    from pathstats.endpoint.app import Serving, create_app
    from pathstats.endpoint.browser_link import BrowserLink
    from pathstats.endpoint.key_cache import KeyCache
    from pathstats.endpoint.server import serve

    # A log file or a service's journal gets no secret.
    has_link = is_loopback(listener) and not report_needs_key and sys.stdout.isatty()
    link = BrowserLink() if has_link else None
    app = create_app(Serving(place, link, with_names))
    typer.echo(f"Serving {place.root} at {address_of(listener)}; Ctrl-C ends this.")
    if link is not None:
        typer.echo(f"The report, for a browser on this machine: {address_of(listener)}{link.path}")
    if not place.latest.exists():
        typer.echo("No release exists yet: until a run publishes one, the answer is 503.", err=True)
    if KeyCache(place).is_empty():
        create = typed.command("keys create --company C", home)
        typer.echo(f"No key exists yet: `{create}` creates one.", err=True)
    serve(app, listener)
    typer.echo("Ended.")
