"""`pathstats parity`"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pathstats.cli.options import HomeOption, JsonOption, reporting_errors, write_json
from pathstats.tables import reading, scan_table
from schemas.enums import PARITY_DIFFERENCES
from schemas.errors import UsageError
from schemas.home import Release, home_at
from schemas.manifest import Agreement, Manifest

if TYPE_CHECKING:
    from pathstats.explain import Explanation


@reporting_errors
def parity(
    examples: Annotated[
        int, typer.Option(min=0, help="How many examples are shown of each kind of difference.")
    ] = 1,
    only: Annotated[
        str | None,
        typer.Option(
            "--difference", metavar="NAME", help="Only this kind of difference, `unexplained` perhaps."
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Compare our results with the platform's own: agreement, reasons of differences, examples.

    Runs from 360learning read the platform's results; table `parity` has all of them.

    Examples:

    pathstats parity

    pathstats parity --difference unexplained --examples 5
    """
    if only is not None and only not in PARITY_DIFFERENCES:
        raise UsageError(f"Unknown difference {only!r}; choose one of {', '.join(PARITY_DIFFERENCES)}.")
    with reading(home_at(home)) as release:
        _compare(release, examples, only, as_json)


def _compare(release: Release, examples: int, only: str | None, as_json: bool) -> None:
    agreement = Manifest.read(release.manifest).parity
    if agreement is None:
        raise UsageError(
            f"Release {release.folder.name} was not compared; runs from 360learning, without "
            "skipping stats, read the platform's own answers."
        )
    from flows.reconciliation.difference_categories import WHY

    found = _examples(release, agreement, examples, only)
    if as_json:
        write_json({**_facts(agreement, WHY), "examples": found})
        return
    from pathstats.cli.render.agreement import show_example, show_parity

    show_parity(agreement, WHY, only)
    for example in found:
        show_example(example, _explained(release, example))


def _examples(release: Release, agreement: Agreement, count: int, only: str | None) -> list[dict[str, Any]]:
    """The first enrollments of each category of differences, with one field each."""
    import polars as pl

    wanted = [name for name in agreement.differences if only in (None, name)]
    rows = (
        scan_table(release, "parity")
        .filter(pl.col("difference").is_in(wanted))
        .unique(["company_id", "enrollment_id", "difference"], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("difference") < count)
        .collect()
    )
    return sorted(rows.to_dicts(), key=lambda row: wanted.index(row["difference"]))


def _facts(agreement: Agreement, why: dict[str, str]) -> dict[str, Any]:
    shares = {field: _rounded(agreement.share(field)) for field in agreement.same}
    one_side = {
        "on_one_side": agreement.on_one_side,
        "share_on_both_sides": _rounded(agreement.share_on_both_sides),
    }
    return {
        **asdict(agreement),
        "share": shares,
        **one_side,
        "why": {name: why[name] for name in agreement.differences},
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _explained(release: Release, example: dict[str, Any]) -> "Explanation | None":
    """The facts that led to our result; none for an enrollment that we don't publish."""
    from pathstats.explain import explanation_of

    if example["field"] == "enrollment" and example["ours"] is None:
        return None
    return explanation_of(release, example["company_id"], example["enrollment_id"])
