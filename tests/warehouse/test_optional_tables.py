"""Waivers and child sessions: what a source need not deliver, and what becomes of it when it does."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.files import Files
from flows.warehouse.warehouse import Warehouse
from pathstats import scan
from pathstats.cli.main import app
from schemas.columns import table_name
from schemas.errors import UnknownName
from schemas.inputs import OPTIONAL
from tests.helpers.one_run import AS_OF, as_ndjson, as_parquet, run, small_world
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.tables import at, expect, read

WAIVER = {"company_id": "acme", "path_id": "P", "step_id": "A", "threshold": 80, "waived_step_id": "B"}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """A warehouse with the small world, extracted on 10 March, and no optional table."""
    with Warehouse.open() as connection:
        runs = Runs(tmp_path, connection)
        runs.accept([Delivery(table, rows, AS_OF) for table, rows in small_world().items()], AS_OF)
        yield runs


def deliver(runs: Runs, table: str, rows: str, day: str = "10 Mar", *, is_full: bool = True) -> None:
    runs.accept([Delivery(table, read(table, rows), at(day), is_full)], at(day))


def waiting(runs: Runs) -> list[tuple[str, ...]]:
    return runs.connection.rows(
        'SELECT "key", reason, detail FROM quarantine WHERE "table" = \'child_sessions\' ORDER BY ALL'
    )


def test_optional_tables_may_be_left_out_without_a_warning(tmp_path: Path) -> None:
    home = tmp_path / "home"
    source = as_parquet(tmp_path / "in", small_world())
    optional = {table_name(model) for model in OPTIONAL}
    assert not optional & run(source, home).tables_in.keys()
    as_parquet(source, {"waivers": [{**WAIVER, "valid_from": None, "valid_to": None}]})
    count = run(source, home).tables_in["waivers"]
    assert (count.delivery, count.read, count.rows) == ("full", 1, 1)
    (source / "waivers.parquet").unlink()
    count = run(source, home).tables_in["waivers"]
    assert (count.delivery, count.read, count.rows) == ("none", 0, 1)
    as_ndjson(source, {"waivers": []})
    count = run(source, home).tables_in["waivers"]
    assert (count.delivery, count.read) == ("full", 0)
    assert "child_sessions" not in run(source, home).tables_in


def test_changes_may_be_the_first_that_comes(runs: Runs, tmp_path: Path) -> None:
    deliver(runs, "child_sessions", "session | root \n S | R \n C | R", is_full=False)
    deliver(runs, "child_sessions", "session | root \n C | S \n D | S", is_full=False)
    rows = [(row["session_id"], row["root_session_id"]) for row in runs.stored()["child_sessions"]]
    assert rows == [("C", "S"), ("D", "S"), ("S", "R")]
    source = as_parquet(tmp_path / "files", small_world())
    as_parquet(source / "changes", {"child_sessions": runs.stored()["child_sessions"]})
    extracts = [(it.table, it.is_full) for it in Files(source).extract(tmp_path, AS_OF, EMPTY_WAREHOUSE)]
    assert ("child_sessions", False) in extracts


def test_rows_that_break_the_contract_are_rejected(runs: Runs) -> None:
    rows = [
        WAIVER,
        {**WAIVER, "threshold": 101},
        {**WAIVER, "waived_step_id": None},
        {**WAIVER, "threshold": 50, "valid_from": at("5 Mar"), "valid_to": at("5 Mar")},
        {**WAIVER, "threshold": 60, "valid_to": at("5 Mar")},
        {**WAIVER, "threshold": 60, "valid_to": at("6 Mar")},
    ]
    counts = runs.accept([Delivery("waivers", rows, AS_OF)], AS_OF)["waivers"]
    assert (counts.read, counts.stored, counts.rejected) == (6, 1, 5)
    assert counts.reasons == {"duplicate_key": 2, "missing_value": 1, "out_of_range": 1, "time_order": 1}
    keys = runs.connection.rows("SELECT \"key\" FROM quarantine WHERE reason = 'time_order'")
    assert keys == [("acme/P/A/50/B/2026-03-05 00:00:00+00",)]


def test_pending_row_is_listed_once_until_its_reference_arrives(runs: Runs) -> None:
    deliver(runs, "waivers", "path | quiz | threshold | waives \n Q | A | 80 | B")
    reasons = runs.connection.rows("SELECT reason FROM quarantine WHERE \"table\" = 'waivers'")
    assert reasons == [("unknown_path",)]
    deliver(runs, "child_sessions", "session | root \n S | S \n C | D \n D | S \n S2 | C")
    no_session, no_root = (
        ("unknown_session", f"the row of {column} has not been delivered")
        for column in ("session_id", "root_session_id")
    )
    assert waiting(runs) == [("acme/C", *no_session), ("acme/D", *no_session), ("acme/S2", *no_session)]
    sessions = [{**row, "name": "it"} for row in read("path_sessions", "session | path \n S2 | P \n D | Q")]
    runs.accept([Delivery("path_sessions", sessions, AS_OF, is_full=False)], AS_OF)
    no_path = ("unknown_path", "the row of session_id has not been delivered")
    assert waiting(runs) == [("acme/C", *no_session), ("acme/D", *no_path), ("acme/S2", *no_root)]
    sessions = [{**row, "name": "it"} for row in read("path_sessions", "session | path \n C | P")]
    runs.accept([Delivery("path_sessions", sessions, AS_OF, is_full=False)], AS_OF)
    no_path_of_root = ("unknown_path", "the row of root_session_id has not been delivered")
    assert waiting(runs) == [("acme/C", *no_path_of_root), ("acme/D", *no_path)]
    paths = [{**row, "name": "it"} for row in read("paths", "path \n Q")]
    runs.accept([Delivery("paths", paths, AS_OF, is_full=False)], AS_OF)
    assert waiting(runs) == []


def test_waivers_that_come_without_dates_are_dated(runs: Runs) -> None:
    """The first known rows are valid from the beginning, and so are a new path's; others from then on."""
    new_path = [{**row, "name": "it"} for row in read("paths", "path \n Q")]
    new_steps = [{**row, "position": 0} for row in read("path_steps", "path | step \n Q | A \n Q | B")]
    deliver(runs, "waivers", "quiz | threshold | waives \n A | 80 | B \n A | 50 | B", "3 Mar")
    deliver(runs, "waivers", "quiz | threshold | waives \n A | 80 | B \n A | 60 | B", "5 Mar")
    now = read("waivers", "path | quiz | threshold | waives \n P | A | 50 | B \n Q | A | 70 | B")
    deliveries: list[tuple[str, list[dict[str, object]]]] = [
        ("paths", new_path),
        ("path_steps", new_steps),
        ("waivers", now),
    ]
    runs.accept([Delivery(it, rows, at("7 Mar"), it == "waivers") for it, rows in deliveries], AS_OF)
    deliver(runs, "waivers", "path | quiz | threshold | waives \n Q | B | 10 | A", "8 Mar", is_full=False)
    expect(
        runs.stored()["waivers"],
        """
        path | quiz | threshold | waives | from  | to
        P    | A    | 50        | B      | 7 Mar |
        P    | A    | 50        | B      |       | 5 Mar
        P    | A    | 60        | B      | 5 Mar | 7 Mar
        P    | A    | 80        | B      |       | 7 Mar
        Q    | A    | 70        | B      |       |
        Q    | B    | 10        | A      | 8 Mar |
        """,
    )


def test_waivers_that_the_source_dates_are_the_source_s(runs: Runs) -> None:
    deliver(runs, "waivers", "quiz | threshold | waives \n A | 80 | B", "3 Mar")
    deliver(runs, "waivers", "quiz | threshold | waives | to \n A | 80 | B | 4 Mar", "5 Mar")
    rows = [(row["valid_from"], row["valid_to"]) for row in runs.stored()["waivers"]]
    none: datetime | None = None
    assert rows == [(none, at("4 Mar"))]


def test_published_optional_tables_can_be_queried_like_any_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tables = {**small_world(), "waivers": [WAIVER]}
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    assert scan("waivers", home=tmp_path / "home").collect().select(WAIVER.keys()).to_dicts() == [WAIVER]
    for command in (
        ["query", "FROM waivers"],
        ["export", "waivers"],
        ["export", "waivers", "--format", "xlsx"],
    ):
        assert CliRunner().invoke(app, [*command, "--home", str(tmp_path / "home")]).exit_code == 0
    with pytest.raises(UnknownName, match=r"Unknown table 'child_sessions'; the release contains .*waivers"):
        scan("child_sessions", home=tmp_path / "home")
