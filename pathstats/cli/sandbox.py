"""`pathstats sandbox`"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flows.run_config import SOURCES
from pathstats.cli import typed
from pathstats.cli.options import AsOfOption, instant, now, reporting_errors
from pathstats.cli.render.printable import say

if TYPE_CHECKING:
    from sandbox.platform import Platform


@reporting_errors
def sandbox(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help=f"The world that is served. {SOURCES}")
    ] = "demo",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 is any that is free.")] = 8361,
    as_of: AsOfOption = None,
    company: Annotated[
        str | None, typer.Option(help="Whose platform it is, if the source has several.")
    ] = None,
    misbehave: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="Shares of what goes wrong: busy=0.1,error=0.05,cut=0.05,slow=0.1,expire=0.02,moving=0.1; "
            "also pause_s, retry_after_s and seed: the same seed, the same faults.",
        ),
    ] = "",
    scopes: Annotated[
        str | None, typer.Option(metavar="SCOPE,…", show_default="all", help="The scopes of its client.")
    ] = None,
    token_seconds: Annotated[float, typer.Option(min=0.1, help="How long a token is good for.")] = 3_600,
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Its webhook subscription to corrections is inactive.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="How many pages it gives out in a second; 0 is any number.")
    ] = 50,
) -> None:
    """Serve a stand-in 360Learning platform, to this machine only, to try the source 360learning.

    Examples:

    pathstats sandbox

    pathstats sandbox files:exports/ --misbehave busy=0.1,cut=0.05
    """
    from sandbox.app import Sandbox
    from sandbox.demo_values import world
    from sandbox.endpoints import SCOPES
    from sandbox.fault_injection import Misbehavior
    from sandbox.oauth import Clients
    from sandbox.platform import Platform
    from sandbox.server import address, listening, serve

    def platform(moment: datetime) -> Platform:
        return Platform(world(source, moment, company), moment, is_active=not inactive)

    misbehavior = Misbehavior.of(misbehave)
    listener = listening(port)
    try:
        served = platform(instant(as_of) or now())
        clients = Clients(tuple(SCOPES if scopes is None else scopes.split(",")), token_seconds)
        app = Sandbox(served, clients, misbehavior, limit, platform).app()
        _tell(served, address(listener))
        serve(app, listener)
    except KeyboardInterrupt:
        typer.echo("\nThe sandbox is closed.")
    finally:
        listener.close()


def _tell(served: "Platform", address: str) -> None:
    """Print the address, and the commands that read it."""
    from sandbox.oauth import CLIENT_ID, CLIENT_SECRET
    from sandbox.webhooks import SUBSCRIPTION

    tables, moment = served.tables, f"{served.now:%Y-%m-%dT%H:%M:%SZ}"
    settings = {
        "BASE_URL": address,
        "COMPANY_ID": tables["path_sessions"]["company_id"].item(0),
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "SUBSCRIPTION": SUBSCRIPTION,
    }
    command = typed.pathstats()
    counts = ", ".join(f"{rows.height:,} {name}" for name, rows in tables.items())
    lines = [
        f"A platform as of {moment} is served at {address}, to this machine only: {counts}.",
        "",
        "In another terminal:",
        *(f"  export PATHSTATS_360LEARNING_{name}={value}" for name, value in settings.items()),
        f"  {command} check 360learning",
        f"  {command} run --source 360learning --home data/sandbox --as-of {moment}",
        f"  {command} parity --home data/sandbox",
        "",
        "While it runs: what goes wrong, and a later day.",
        f"  curl {address}/sandbox/misbehave -d busy=0.1,cut=0.05",
        f"  curl {address}/sandbox/as-of -d {served.now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    ]
    say("\n".join(lines))
