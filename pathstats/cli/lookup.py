"""`pathstats lookup`"""

import json
from typing import Annotated

import typer

from pathstats.cli.options import HomeOption, reporting_errors
from pathstats.lookup import PathStats
from schemas.errors import NotFound
from schemas.home import Home, home_at


@reporting_errors
def lookup(
    session: Annotated[str, typer.Argument(help="The path session's id.")],
    user: Annotated[str, typer.Argument(help="The learner's id, or e-mail in any case.")],
    company: Annotated[
        str | None, typer.Option(help="The company; optional if the release has only one.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which rule decided, by which step, and show the steps.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Look up one learner in one session, with the endpoint's response.

    The JSON body goes to stdout, also of a 404, with exit code 4.

    Examples:

    pathstats lookup 65f0c2a91b3e4d5f60718293 ada@example.org

    pathstats lookup 65f0c2a91b3e4d5f60718293 ada@example.org --explain
    """
    try:
        if explain:
            _explain(home_at(home), session, user, company)
        else:
            typer.echo(PathStats(home).body(session, user, company_id=company))
    except NotFound as error:
        typer.echo(json.dumps(error.body))
        raise typer.Exit(error.exit_code) from None


def _explain(home: Home, session: str, user: str, company: str | None) -> None:
    from pathstats.cli.render.console import show_explanation
    from pathstats.explain import explanation
    from pathstats.index_reader import IndexReader
    from pathstats.tables import reading

    with reading(home) as release:
        index = IndexReader(release)
        found = index.find(index.only_company() if company is None else company, session, user)
        typer.echo(found.body)
        show_explanation(explanation(found))
