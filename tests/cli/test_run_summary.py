"""A run's closing page, artifact and line in `status` show the figures of the release."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from flows.ops.run_figures import markdown, table_rows
from flows.release.catalog import manifest_of
from pathstats.cli.main import app
from pathstats.cli.render import run_summary
from schemas.columns import polars_schema
from schemas.enums import RESTATEMENTS, TRANSITIONS
from schemas.home import Home, Release
from schemas.manifest import Manifest, TableIn
from schemas.outputs import PathSessionStats, StatusChanges
from tests.helpers.one_run import as_parquet, latest, published, run, small_world
from transforms.status_changes import transitions

FIRST, SECOND, EARLIER = (datetime(2026, 3, day, 2, tzinfo=UTC) for day in (9, 10, 5))
Page = Callable[[Manifest], str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's runs of two days."""
    place = tmp_path_factory.mktemp("screen") / "home"
    for as_of in (FIRST, SECOND):
        run("demo:learners=300", place, as_of)
    return place


@pytest.fixture(scope="module")
def manifest(home: Path) -> Manifest:
    return manifest_of(latest(home))


@pytest.fixture
def page(home: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A run's output on a terminal of 80 columns."""

    def shown(manifest: Manifest) -> str:
        written = StringIO()
        console = Console(file=written, width=80, force_terminal=True, color_system=None, highlight=False)
        monkeypatch.setattr(run_summary, "screen", console)
        run_summary.show_run(manifest, Home(home))
        return written.getvalue()

    return shown


def counted(page: str) -> dict[str, int]:
    """The lines of the block that begins with `Since`."""
    block = page.partition("\nSince ")[2].partition("\nComputed")[0]
    return {
        kind: int(number.replace(",", "")) for kind, number in re.findall(r"^(\w.*?) +([\d,]+)$", block, re.M)
    }


def counting(release: Release) -> dict[str, set[str]]:
    """The enrollments that a release's report counts as late (R18), and in three detailed statuses."""
    rows = pl.read_parquet(release.table("path_session_stats"))
    rows = rows.filter(pl.col("is_current") & pl.col("archived_at").is_null())
    can_act = pl.col("detailed_status_type").is_in(["late", "notYetStarted", "onTime", "toRetake"])
    return {"became late": set(rows.filter((pl.col("overdue_steps") > 0) & can_act)["enrollment_id"])} | {
        kind: set(rows.filter(detailed_status_type=status)["enrollment_id"])
        for kind, status in (
            ("completed", "successful"),
            ("to retake", "toRetake"),
            ("unsuccessful", "unsuccessful"),
        )
    }


def test_summary_counts_enrollments_with_a_new_status(home: Path, manifest: Manifest, page: Page) -> None:
    before, now = (counting(Home(home).release(name or "")) for name in (manifest.since, manifest.release_id))
    shown = counted(page(manifest))
    assert shown == {kind: len(now[kind] - before[kind]) for kind in now}
    assert shown["completed"] > 0
    assert f"Since {manifest.since} (as of 2026-03-09 02:00 UTC)" in page(manifest)
    printed = re.search(r"Computed ([\d,]+) enrollments; reused ([\d,]+) unchanged", page(manifest))
    assert printed
    rows = published(home, "path_session_stats").height
    assert [int(number) for number in printed.groups()] == [manifest.computed, rows - manifest.computed]
    assert 0 < manifest.computed < rows / 2


def test_second_day_of_the_demo_shows_progress_and_no_restatement(home: Path, manifest: Manifest) -> None:
    causes = dict(published(home, "status_changes")["cause"].value_counts().iter_rows())
    assert causes["activity"] > sum(causes.values()) / 2
    assert "definition" not in causes
    # What was done in the two hours between its midnight and the run's time is learnt a day later.
    assert causes.get("correction of earlier data", 0) < sum(causes.values()) / 20
    assert [manifest.transitions[kind] for kind in RESTATEMENTS] == [0, 0, 0, 0]


def test_summary_shows_restatements_if_there_are_any(manifest: Manifest, page: Page) -> None:
    assert "No completion date moved or vanished, and no enrollment is gone." in page(manifest)
    restated = replace(manifest, transitions={**manifest.transitions, "completion date moved": 1_234})
    assert counted(page(restated))["completion date moved"] == 1_234
    assert "vanished" not in page(restated)
    assert "completion date moved: 1,234" in run_summary.changes_in_words(restated)


def test_summary_of_a_first_run_has_no_comparison(manifest: Manifest, page: Page) -> None:
    first = page(replace(manifest, since=None, transitions={}, reused=0))
    assert "No earlier release to compare with" in first
    assert "became late" not in first
    earlier = replace(manifest, as_of=EARLIER.isoformat(), reused=0)
    assert "is for a later time" in page(earlier)
    assert "became late" not in page(earlier)
    assert f"Computed all {manifest.computed:,} enrollments." in page(earlier)
    for one in (replace(manifest, since=None), earlier):
        assert "became late" not in markdown(one)


@pytest.mark.parametrize("delivery", ["full", "changes", "full and changes", "none"])
def test_the_table_of_millions_of_rows_fits_80_columns(manifest: Manifest, page: Page, delivery: str) -> None:
    long = TableIn(
        65_912_116, 65_912_116, 12_345, 1_234, 10_234, {"time_order": 1_234}, "", delivery, 65_912_116
    )
    shown = page(replace(manifest, tables_in=dict.fromkeys(manifest.tables_in, long)))
    head, table = re.search(r"^(table .*rows) *\n((?:\w.*\n)+)", shown, re.M).groups()  # type: ignore[union-attr]
    assert head.split() == ["table", "delivery", "read", "deduplicated", "rejected", "pending", "rows"]
    for line, name in zip(table.splitlines(), manifest.tables_in, strict=True):
        came, *numbers = line.removeprefix(name).split()
        assert came == {"full and changes": "both", "none": "–"}.get(delivery, delivery)
        assert numbers[-2:] == ["10,234", "65,912,116"]
        assert len(numbers) == (2 if delivery == "none" else 5)
    short = [line for line in shown.splitlines() if not line.startswith(("Published", "It is in", "warning"))]
    assert max(map(len, short)) <= 80


def test_artifacts_show_the_same_figures(manifest: Manifest) -> None:
    words = markdown(manifest)
    assert f"| since `{manifest.since}` | enrollments |" in words
    for kind in (*TRANSITIONS, *RESTATEMENTS):
        assert f"| {kind} | {manifest.transitions[kind]:,} |" in words
    assert f"{manifest.computed:,} enrollments computed, {manifest.reused:,} reused" in words
    users = next(row for row in table_rows(manifest) if row["table"] == "users")
    assert (users["delivery"], users["rows"]) == ("full", "300")


def test_status_shows_transitions_in_one_line(home: Path, manifest: Manifest) -> None:
    shown = CliRunner().invoke(app, ["status", "--home", str(home)]).stdout
    (line,) = (line for line in shown.splitlines() if line.startswith("Since "))
    assert (
        line
        == f"Since {manifest.since}: "
        + ", ".join(f"{manifest.transitions[kind]:,} {kind}" for kind in TRANSITIONS)
        + "."
    )


def test_summary_has_a_line_for_every_count() -> None:
    changes, stats = (
        pl.DataFrame(schema=polars_schema(model)) for model in (StatusChanges, PathSessionStats)
    )
    assert tuple(transitions(changes, stats)) == (*TRANSITIONS, *RESTATEMENTS)


def test_warning_about_the_data_is_shown_once(tmp_path: Path) -> None:
    """The closing tables list it; where a run ends without them, the progress does."""
    tables = small_world()
    tables["step_activity"][0]["time_spent_ms"] = 10**10
    source = as_parquet(tmp_path / "in", tables)
    command = ["run", "--source", f"files:{source}", "--home", str(tmp_path / "home"), "--direct"]
    published = CliRunner().invoke(app, [*command, "--as-of", "2026-03-10T00:00:00Z"])
    blocked = CliRunner().invoke(
        app, [*command, "--as-of", "2026-03-11T00:00:00Z", "--full-refresh", "--strict"]
    )
    assert (published.exit_code, published.output.count("time_spent_ms is more than")) == (0, 1)
    assert (blocked.exit_code, blocked.output.count("warning step_activity: time_spent_ms is more than")) == (
        5,
        1,
    )
