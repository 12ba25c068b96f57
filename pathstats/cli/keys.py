"""`pathstats keys`"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pathstats.cli import typed
from pathstats.cli.options import HomeOption, JsonOption, now, reporting_errors, write_json
from pathstats.cli.render.printable import say
from pathstats.lookup import PathStats
from schemas.errors import NoRelease
from schemas.home import home_at

if TYPE_CHECKING:
    from pathstats.endpoint.keys import Key

keys = typer.Typer(name="keys", no_args_is_help=True, help="Create, list and revoke the keys of `serve`.")


@keys.command()
@reporting_errors
def create(
    company: Annotated[
        str | None,
        typer.Option(
            metavar="C",
            show_default=False,
            help="The company it opens; optional if the release has only one.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", show_default=False, help="A name, to recognize the key.")
    ] = "",
    home: HomeOption = None,
) -> None:
    """Create a key to one company and show it once: only its hash is stored.

    Stdout has only the key. Running servers accept it at once. A company may have several keys.

    Examples:

    pathstats keys create --company acme --name dashboard

    KEY=$(pathstats keys create --company acme)
    """
    from pathstats.endpoint.keys import create

    place = home_at(home)
    stats = PathStats(place.root)
    company_id = stats.latest().only_company() if company is None else company
    key, text = create(place, company_id, name, now())
    typer.echo(text)
    say(
        f"Key {key.key_id} opens {key.company_id}. Keep it now: it is not shown again. "
        f"`{typed.command(f'keys revoke {key.key_id}', home)}` ends it.",
        err=True,
    )
    if not _is_known(stats, company_id):
        words = f"The live release has no company {company_id!r}: until one has, the answer is 404."
        say(words, err=True)


@keys.command("list")
@reporting_errors
def list_(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List the keys: ids, companies, names and dates, but not the keys themselves.

    Example:

    pathstats keys list
    """
    from pathstats.endpoint.keys import read

    kept = read(home_at(home))
    if as_json:
        write_json({"keys": [_facts(key) for key in kept]})
        return
    from pathstats.cli.render.key_list import show_keys

    show_keys(kept, home)


@keys.command(no_args_is_help=True)
@reporting_errors
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id; `pathstats keys list` shows it.")],
    home: HomeOption = None,
) -> None:
    """Revoke a key at once, in running servers too.

    Example:

    pathstats keys revoke 1f0c9a3e
    """
    from pathstats.endpoint.keys import revoke

    before = revoke(home_at(home), key, now())
    if before.revoked_at:
        say(f"Key {before.key_id} was revoked already; nothing was changed.")
    else:
        say(f"Key {before.key_id} of {before.company_id} is revoked.")


def _is_known(stats: PathStats, company_id: str) -> bool:
    """Whether the live release has the company; True without a release."""
    try:
        return company_id in stats.latest().companies()
    except NoRelease:
        return True


def _facts(key: "Key") -> dict[str, Any]:
    return {name: value for name, value in asdict(key).items() if name != "hash"}
