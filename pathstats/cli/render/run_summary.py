"""Render the closing screen of a run: input rows, learners by status, changes since the live release."""

from rich.table import Table
from rich.text import Text

from pathstats.cli import typed
from pathstats.cli.render.console import moment, screen
from pathstats.lookup import PathStats
from pathstats.tables import latest_release, scan_table
from schemas.enums import RESTATEMENTS, TRANSITIONS
from schemas.home import Home
from schemas.manifest import Manifest, Matched

_COLOURS = {
    "successful": "green",
    "onTime": "green",
    "awaitingCorrection": "cyan",
    "toRetake": "yellow",
    "notYetStarted": "yellow",
    "late": "red",
    "unsuccessful": "red",
    "sessionNotOpened": "dim",
}
_COLOURS_OF_CHANGES = {
    "became late": "red",
    "completed": "green",
    "to retake": "yellow",
    "unsuccessful": "red",
    "completion date moved": "yellow",
    "completion date vanished": "yellow",
    "enrollment gone": "yellow",
    "enrollment gone with its completion date": "yellow",
}


def show_run(manifest: Manifest, home: Home) -> None:
    """The closing tables of a run."""
    screen.print()
    show_rows_in(manifest)
    screen.print()
    screen.print(by_detailed_status(manifest))
    screen.print()
    show_changes(manifest)
    if manifest.parity:
        from pathstats.cli.render.agreement import agreement

        screen.print()
        screen.print(agreement(manifest.parity))
    rows = {
        name.removesuffix(".parquet"): out.rows
        for name, out in manifest.files.items()
        if out.rows is not None
    }
    counts = manifest.companies.values()
    current = f" ({sum(it.enrolled + it.archived for it in counts):,} current)" if counts else ""
    size = sum(out.bytes for out in manifest.files.values()) / 1e6
    screen.print()
    screen.print(
        f"Published [bold]{manifest.release_id}[/] as of {moment(manifest.as_of)}: "
        f"{rows['path_session_stats']:,} enrollments{current}, {rows['step_stats']:,} step rows, "
        f"{size:,.1f} MB, in {sum(manifest.seconds.values()):.1f} s.",
        soft_wrap=True,
    )
    screen.print(f"It is in {home.latest}; for people, open report.html there.", soft_wrap=True, markup=False)


def show_warnings(warnings: list[str]) -> None:
    """One line for each warning about the data, after an empty line."""
    if warnings:
        screen.print()
    for warning in warnings:
        screen.print(Text.assemble(("warning ", "yellow"), warning), soft_wrap=True)


def show_matched(matched: dict[str, Matched]) -> None:
    """The share of activity that refers to a known user, session and step, after an empty line."""
    activity = Matched.total(matched.values())
    if activity.rows:
        screen.print()
        screen.print(f"Activity rows with a known {activity.percentages}.")


def show_rows_in(manifest: Manifest) -> None:
    """Input rows and stored rows of each table; below, reasons of rejected and pending rows, and warnings."""
    screen.print(_rows_in(manifest))
    if any(count.reasons for count in manifest.tables_in.values()):
        screen.print()
        screen.print(_rejected(manifest))
    show_matched(manifest.matched)
    show_warnings(manifest.warnings)


def _rows_in(manifest: Manifest) -> Table:
    table = Table(title="Rows delivered", title_justify="left", box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    table.add_column("delivery", no_wrap=True)
    # Of tables with millions of rows all this still fits 80 columns.
    for name in ("read", "deduplicated", "rejected", "pending", "rows"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, count in manifest.tables_in.items():
        numbers = (count.read, count.deduplicated, count.rejected, count.pending, count.rows)
        came = delivered(count.delivery)
        nothing = count.delivery == "none"
        shown = ("" if nothing and place < 3 else f"{number:,}" for place, number in enumerate(numbers))
        table.add_row(name, Text(came, "dim" if nothing else ""), *shown)
    return table


def delivered(delivery: str) -> str:
    """How a table was delivered, in one short word."""
    return {"full and changes": "both", "none": "–"}.get(delivery, delivery)


def _rejected(manifest: Manifest) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("rejected in", no_wrap=True)
    table.add_column("because")
    for name, count in manifest.tables_in.items():
        if count.reasons:
            for number, (reason, rows) in enumerate(count.reasons.items()):
                example = f": {count.examples[reason]}" if reason in count.examples else ""
                table.add_row("" if number else name, Text(f"{rows:,} {reason}{example}"))
    return table


def by_detailed_status(manifest: Manifest) -> Table:
    counts = manifest.enrollments_by_detailed_status
    total = sum(counts.values()) or 1
    table = Table(title="Enrollments by detailed status", title_justify="left", box=None, pad_edge=False)
    table.add_column("detailed status")
    table.add_column("enrollments", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for kind, count in counts.items():
        bar = "█" * round(30 * count / total)
        table.add_row(kind, f"{count:,}", f"{count / total:.1%}", Text(bar, _COLOURS[kind]))
    return table


def show_changes(manifest: Manifest) -> None:
    """Changes since the live release that people act on, and corrections of published values."""
    since = manifest.since_as_of
    if since is None:
        screen.print("No earlier release to compare with; the next run reports the changes.")
        return
    before = f"{manifest.since} (as of {moment(since.isoformat())})"
    if manifest.is_for_an_earlier_time:
        screen.print(f"The release before, {before}, is for a later time;", soft_wrap=True)
        screen.print("status_changes has what was not yet so.")
        screen.print(computed_in_words(manifest))
        return
    # As a title it would be wrapped to the width of the table.
    screen.print(Text(f"Since {before}", "table.title"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    restated = [kind for kind in RESTATEMENTS if manifest.transitions.get(kind)]
    for kind in (*TRANSITIONS, *restated):
        count = manifest.transitions.get(kind, 0)
        table.add_row(kind, f"{count:,}", style=_COLOURS_OF_CHANGES[kind] if count else "dim")
    screen.print(table)
    if not restated:
        screen.print(Text("No completion date moved or vanished, and no enrollment is gone.", "dim"))
    screen.print(computed_in_words(manifest))


def computed_in_words(manifest: Manifest) -> str:
    """How many enrollments a run had to compute.

    >>> from schemas.manifest import Manifest
    >>> facts = dict(computed=2, reused=1_000, since="20150101T000000Z-1", transitions={})
    >>> computed_in_words(Manifest("", "", "", "", "", {}, {}, {}, **facts))
    'Computed 2 enrollments; reused 1,000 unchanged ones.'
    """
    computed = f"{manifest.computed:,} enrollment{'' if manifest.computed == 1 else 's'}"
    if not manifest.reused:
        return f"Computed all {computed}."
    return (
        f"Computed {computed}; reused {manifest.reused:,} unchanged one{'' if manifest.reused == 1 else 's'}."
    )


def changes_in_words(manifest: Manifest) -> str:
    """The same changes in one sentence.

    >>> from schemas.manifest import Manifest
    >>> changed = {"became late": 3, "completed": 1, "completion date moved": 2}
    >>> facts = dict(computed=9, reused=0, since="20150101T000000Z-1", transitions=changed)
    >>> changes_in_words(Manifest("", "", "", "", "", {}, {}, {}, **facts))
    '3 became late, 1 completed, 0 to retake, 0 unsuccessful; completion date moved: 2'
    """
    counts = manifest.transitions
    acted_on = ", ".join(f"{counts.get(kind, 0):,} {kind}" for kind in TRANSITIONS)
    restated = [f"{kind}: {counts[kind]:,}" for kind in RESTATEMENTS if counts.get(kind)]
    return "; ".join([acted_on, *restated])


def show_demo(manifest: Manifest, home: Home) -> None:
    """The demo's run, two look-ups, and suggestions for next commands."""
    import polars as pl

    show_run(manifest, home)
    release = latest_release(home)
    stats = scan_table(release, "path_session_stats").filter("is_current")
    users = (
        scan_table(release, "users")
        .select("company_id", "user_id", "email", "status")
        .filter(pl.col("email").str.to_lowercase().is_unique(), pl.col("status") == "active")
        .drop_nulls("email")
    )
    people = (
        stats.filter(
            pl.col("detailed_status_type").is_in(["late", "successful"]), pl.col("score").is_not_null()
        )
        .join(users, on=["company_id", "user_id"])
        .sort("session_id", "user_id")
        .unique("detailed_status_type", keep="first", maintain_order=True)
        .sort("detailed_status_type")
        .collect()
    )
    ask = PathStats(home.root)
    asked = [(row["session_id"], row["email"]) for row in people.iter_rows(named=True)]
    command, place = typed.pathstats(), typed.from_here(home.root)
    for session, email in asked:
        screen.print()
        screen.print(Text(f"$ {command} lookup {session} {email} --home {place}", "bold"), soft_wrap=True)
        screen.print(ask.body(session, email), soft_wrap=True, markup=False)
    session, email = asked[0]
    late = "SELECT session_id, late, enrolled FROM session_summary ORDER BY late DESC LIMIT 5"
    # The new values of the other fields are times, nearly as many as there are rows.
    word = "CASE WHEN field IN ('status', 'detailed_status', 'result') THEN new_value END AS new_value"
    changed = (
        f"SELECT field, {word}, cause, count(*) AS changes FROM status_changes GROUP BY ALL ORDER BY ALL"
    )
    screen.print("\n[bold]Try next[/]")
    for hint in (
        f"{command} lookup {session} {email} --explain --home {place}",
        f'{command} query "{changed if manifest.since else late}" --home {place}',
        f"{command} serve --home {place}",
        f"{command} status --home {place}",
        f"{command} demo --write exports/ && {command} check files:exports/",
    ):
        screen.print(f"  {hint}", soft_wrap=True, markup=False)
