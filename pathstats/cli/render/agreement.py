"""Render the agreement with the platform's own results, the reasons of differences, and examples."""

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pathstats.cli.render.console import screen, show_explanation
from schemas.manifest import Agreement, percent

if TYPE_CHECKING:
    from pathstats.explain import Explanation


def agreement(parity: Agreement) -> Table:
    """By field: how many answers are the same, and of how many others the reason is known.

    Last, how many enrollments both have, and how many only one of both.
    """
    title = f"Against the platform's own answers, {parity.compared:,} enrollments"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("field", no_wrap=True)
    for name in ("same", "share", "for a known reason", "unexplained"):
        table.add_column(name, justify="right")
    for field, same in parity.same.items():
        unexplained = parity.differences.get("unexplained", {}).get(field, 0)
        known = parity.compared - same - unexplained
        table.add_row(
            field,
            f"{same:,}",
            percent(parity.share(field)),
            Text(f"{known:,}", "" if known else "dim"),
            Text(f"{unexplained:,}", "red" if unexplained else "dim"),
        )
    unexplained = parity.differences.get("unexplained", {}).get("enrollment", 0)
    known = parity.on_one_side - unexplained
    table.add_row(
        "on both sides",
        f"{parity.compared:,}",
        percent(parity.share_on_both_sides),
        Text(f"{known:,}", "" if known else "dim"),
        Text(f"{unexplained:,}", "red" if unexplained else "dim"),
    )
    return table


def show_parity(parity: Agreement, why: dict[str, str], only: str | None) -> None:
    """The agreement, then each class of differences, or the only one that is wanted, with its reason."""
    screen.print(agreement(parity))
    shown = {name: counts for name, counts in parity.differences.items() if only in (None, name)}
    if only and not shown:
        screen.print(f"\nNo difference is {only}.")
    for name, counts in shown.items():
        fields = ", ".join(f"{field} {count:,}" for field, count in counts.items())
        screen.print()
        screen.print(Text.assemble((name, "red" if name == "unexplained" else "bold"), f": {fields}"))
        screen.print(Text(why[name], "dim"))


def show_example(example: dict[str, Any], explained: "Explanation | None") -> None:
    """One difference, followed by the facts that led to our result."""
    screen.print()
    where = f"session {example['session_id']}, enrollment {example['enrollment_id']}"
    screen.print(Text.assemble((example["difference"], "bold"), f", for example in {where}:"), soft_wrap=True)
    values = f"{example['field']}: ours {example['ours'] or 'null'}, theirs {example['theirs'] or 'null'}"
    screen.print(values, soft_wrap=True, markup=False)
    if explained:
        show_explanation(explained)
