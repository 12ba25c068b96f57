"""Rejected rows: the right reason, the row itself, and counts that add up."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.database.connection import Connection
from schemas.enums import PENDING_REASONS, REJECTION_REASONS
from schemas.errors import RunBlocked
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.one_run import (
    AS_OF,
    Row,
    as_ndjson,
    assert_complete,
    latest,
    published,
    run,
    small_world,
)
from tests.reference.rows import Tables


@dataclass(frozen=True)
class Case:
    """One broken row, on top of a sound one.

    key:    the row's key, as quarantine shows it.
    column: what the detail names.
    """

    reason: str
    table: str
    key: str
    column: str
    changes: Row

    @property
    def row(self) -> Row:
        return {**SOUND[self.table], **self.changes}


SOUND: dict[str, Row] = {
    "users": {"company_id": "acme", "user_id": "u1", "status": "active", "email": "u1@example.org"},
    "paths": {"company_id": "acme", "path_id": "P", "name": "a path", "mandatory_replay": False},
    "path_steps": {
        "company_id": "acme",
        "path_id": "P",
        "step_id": "A",
        "position": 0,
        "type": "course",
        "optional": False,
    },
    "path_sessions": {
        "company_id": "acme",
        "session_id": "S",
        "path_id": "P",
        "name": "a session",
        "starts_at": "2026-03-01T00:00:00Z",
    },
    "enrollments": {
        "company_id": "acme",
        "enrollment_id": "e1",
        "session_id": "S",
        "user_id": "u1",
        "enrolled_at": "2026-03-01T00:00:00Z",
    },
    "step_activity": {
        "company_id": "acme",
        "activity_id": "a1",
        "user_id": "u1",
        "step_id": "A",
        "started_at": "2026-03-02T00:00:00Z",
        "last_activity_at": "2026-03-03T00:00:00Z",
        "progress": 10,
        "time_spent_ms": 1000,
    },
}


def user(reason: str, name: str, column: str, /, **changes: Any) -> Case:
    return Case(reason, "users", f"acme/{name}", column, {"user_id": name, **changes})


def path(reason: str, name: str, column: str, /, **changes: Any) -> Case:
    return Case(reason, "paths", f"acme/{name}", column, {"path_id": name, **changes})


def step(reason: str, name: str, column: str, /, key: str | None = None, **changes: Any) -> Case:
    return Case(reason, "path_steps", key or f"acme/P/{name}", column, {"step_id": name, **changes})


def session(reason: str, name: str, column: str, /, **changes: Any) -> Case:
    return Case(reason, "path_sessions", f"acme/{name}", column, {"session_id": name, **changes})


def enrollment(reason: str, name: str, column: str, /, **changes: Any) -> Case:
    return Case(reason, "enrollments", f"acme/{name}", column, {"enrollment_id": name, **changes})


def activity(reason: str, name: str, column: str, /, **changes: Any) -> Case:
    return Case(reason, "step_activity", f"acme/{name}", column, {"activity_id": name, **changes})


VALID_FROM = "2026-01-01T00:00:00Z"
CASES = [
    user("missing_value", "no-status", "status", status=None),
    user("missing_value", "blank-status", "status", status=""),
    Case(
        "missing_value", "users", "/no-company", "company_id", {"user_id": "no-company", "company_id": None}
    ),
    path("missing_value", "no-replay", "mandatory_replay", mandatory_replay=None),
    step("missing_value", "no-position", "position", position=None),
    session("missing_value", "no-start", "starts_at", starts_at=None),
    enrollment("missing_value", "no-user", "user_id", user_id=None),
    activity("missing_value", "no-progress", "progress", progress=None),
    path("bad_type", "bad-replay", "mandatory_replay", mandatory_replay="maybe"),
    step("bad_type", "bad-position", "position", position=1.5),
    step("bad_type", "bad-due", "due_value", due_unit="day", due_value="seven"),
    session("bad_type", "bad-start", "starts_at", starts_at="soon"),
    activity("bad_type", "bad-progress", "progress", progress="half"),
    user("bad_enum", "ghost", "status", status="ghost"),
    user("bad_enum", "other-case", "status", status="Active"),
    step("bad_enum", "bad-type", "type", type="video"),
    step("bad_enum", "bad-basis", "due_basis", due_basis="never"),
    step("bad_enum", "bad-unit", "due_unit", due_unit="year", due_value=1),
    step("bad_enum", "bad-mode", "time_limit_mode", time_limit_mode="about", time_limit_s=1),
    enrollment("naive_time", "naive", "enrolled_at", enrolled_at="2026-03-01T00:00:00"),
    enrollment("naive_time", "naive-archived", "archived_at", archived_at="2026-03-02 00:00"),
    activity("naive_time", "naive-completed", "completed_at", completed_at="2026-03-04T00:00:00.5"),
    step("out_of_range", "position--1", "position", position=-1),
    step("out_of_range", "score-101", "min_score", min_score=101),
    step("out_of_range", "limit-0", "attempts_limit", attempts_limit=0),
    step("out_of_range", "due-0", "due_value", due_unit="day", due_value=0),
    step("out_of_range", "seconds-0", "time_limit_s", time_limit_mode="maxTime", time_limit_s=0),
    activity("out_of_range", "progress-101", "progress", progress=101),
    activity("out_of_range", "progress--1", "progress", progress=-1),
    activity("out_of_range", "score-101", "score", score=101),
    activity("out_of_range", "time--1", "time_spent_ms", time_spent_ms=-1),
    enrollment("time_order", "archived-first", "archived_at", archived_at="2026-02-28T23:59:59.999999Z"),
    session("time_order", "ends-first", "ends_at", ends_at="2026-02-28T23:59:59Z"),
    activity("time_order", "last-first", "last_activity_at", last_activity_at="2026-03-01T00:00:00Z"),
    activity("time_order", "completed-first", "completed_at", completed_at="2026-03-01T00:00:00Z"),
    step(
        "time_order",
        "valid-never",
        "valid_to",
        key="acme/P/valid-never/2026-01-01 00:00:00+00",
        valid_from=VALID_FROM,
        valid_to=VALID_FROM,
    ),
    step("bad_due_date", "absolute-without", "due_at", due_basis="absolute"),
    step(
        "bad_due_date",
        "absolute-and-relative",
        "due_value",
        due_basis="absolute",
        due_at=VALID_FROM,
        due_unit="day",
        due_value=1,
    ),
    step(
        "bad_due_date",
        "relative-and-absolute",
        "due_at",
        due_basis="enrollment",
        due_at=VALID_FROM,
        due_unit="day",
        due_value=1,
    ),
    step("bad_due_date", "at-without-basis", "due_at", due_at=VALID_FROM),
    step("bad_due_date", "unit-only", "due_value", due_basis="enrollment", due_unit="day"),
    step("bad_due_date", "value-only", "due_unit", due_value=7),
    step("bad_due_date", "session-without", "due_unit", due_basis="sessionStart"),
    user("duplicate_key", "twice", "key", first_name="Ann"),
    user("duplicate_key", "twice", "key", first_name="Bob"),
    path("duplicate_key", "twice", "key", name="one"),
    path("duplicate_key", "twice", "key", name="two"),
    step("duplicate_key", "twice", "key", min_score=50),
    step("duplicate_key", "twice", "key", min_score=60),
    session("duplicate_key", "twice", "key", name="one"),
    session("duplicate_key", "twice", "key", name="two"),
    enrollment("duplicate_key", "twice", "key", user_id="u1"),
    enrollment("duplicate_key", "twice", "key", user_id="u2"),
    activity("duplicate_key", "tied", "key", progress=20),
    activity("duplicate_key", "tied", "key", progress=30),
    activity("duplicate_key", "tied", "key", progress=40, last_activity_at="2026-03-02T12:00:00Z"),
]
WAITING = [
    step("unknown_path", "lost", "path_id", key="acme/nowhere/lost", path_id="nowhere"),
    session("unknown_path", "lost", "path_id", path_id="nowhere"),
    enrollment("unknown_session", "lost-session", "session_id", session_id="nowhere"),
    enrollment("unknown_user", "lost-user", "user_id", user_id="nobody"),
]


def with_cases(cases: list[Case]) -> Tables:
    tables = small_world()
    for case in cases:
        tables[case.table].append(case.row)
    return tables


@dataclass(frozen=True)
class Run:
    """The delivered rows, and the run's counts and messages."""

    tables: Tables
    manifest: Manifest
    quarantine: list[Row]

    def line(self, case: Case) -> Row:
        """The quarantine's only line for the case's own row of its file."""
        place = f"(line {self.tables[case.table].index(case.row) + 1})"
        (line,) = [it for it in self.quarantine if it["table"] == case.table and place in it["detail"]]
        return line


def contains(line: Row, row: Row) -> bool:
    """Whether the line's JSON has every value of the row; times as instants. A user's has the key alone."""
    found = json.loads(line["row"])
    if line["table"] == "users":
        return bool(found == {name: row[name] for name in ("company_id", "user_id")})
    return all(as_instant(name, found[name]) == as_instant(name, value) for name, value in row.items())


def as_instant(name: str, value: Any) -> Any:
    is_time = isinstance(value, str) and (name.endswith("_at") or name.startswith("valid_"))
    try:
        return datetime.fromisoformat(value) if is_time else value
    except ValueError:
        return value


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run with all cases at once."""
    folder = tmp_path_factory.mktemp("bad")
    tables = with_cases(CASES + WAITING)
    manifest = run(as_ndjson(folder / "in", tables), folder / "home")
    return Run(tables, manifest, published(folder / "home", "quarantine").to_dicts())


def test_cases_cover_every_reason() -> None:
    assert {case.reason for case in CASES} == set(REJECTION_REASONS)
    assert {case.reason for case in WAITING} == set(PENDING_REASONS)


def name_of(case: Case) -> str:
    return f"{case.table}-{case.key}-{case.reason}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_rejected_row(bad: Run, case: Case) -> None:
    line = bad.line(case)
    assert (line["reason"], line["key"]) == (case.reason, case.key)
    assert case.column in line["detail"]
    assert contains(line, case.row)
    assert (line["first_seen_at"], line["run_id"]) == (AS_OF, "20260310T000000Z")


@pytest.mark.parametrize("case", WAITING, ids=name_of)
def test_waiting_row_is_listed_and_stored(bad: Run, case: Case) -> None:
    (line,) = [it for it in bad.quarantine if (it["table"], it["key"]) == (case.table, case.key)]
    assert line["reason"] == case.reason
    assert case.column in line["detail"]
    assert contains(line, case.row)


def test_nothing_else_is_in_quarantine(bad: Run) -> None:
    assert len(bad.quarantine) == len(CASES) + len(WAITING)


@pytest.mark.parametrize("table", SOUND)
def test_sums(bad: Run, table: str) -> None:
    counts = bad.manifest.tables_in[table]
    rejected = [case.reason for case in CASES if case.table == table]
    assert counts.read == len(bad.tables[table])
    assert counts.rejected == len(rejected)
    assert counts.deduplicated == 0
    assert counts.stored == len(bad.tables[table]) - len(rejected)
    assert counts.pending == sum(case.table == table for case in WAITING)
    assert counts.reasons == {reason: rejected.count(reason) for reason in rejected}


def test_instants_that_are_equal_are_in_order(tmp_path: Path) -> None:
    start = "2026-03-02T00:00:00Z"
    sound = [
        session("", "no-time", "", starts_at=start, ends_at=start),
        enrollment("", "no-time", "", enrolled_at=start, archived_at=start),
        activity("", "no-time", "", last_activity_at=start, completed_at=start),
    ]
    manifest = run(as_ndjson(tmp_path / "in", with_cases(sound)), tmp_path / "home")
    assert {table: counts.rejected for table, counts in manifest.tables_in.items()} == dict.fromkeys(SOUND, 0)


def test_the_first_reason_in_the_order_of_the_contract_is_given(tmp_path: Path) -> None:
    both = activity("", "both", "", progress=None, started_at="2026-03-09T00:00:00")
    run(as_ndjson(tmp_path / "in", with_cases([both])), tmp_path / "home")
    assert published(tmp_path / "home", "quarantine")["reason"].to_list() == ["missing_value"]


def counts_of(tmp_path: Path, tables: Tables, table: str) -> tuple[int, int, int, int]:
    """(read, stored, deduplicated, rejected) of a table after a run."""
    counts = run(as_ndjson(tmp_path / "in", tables), tmp_path / "home").tables_in[table]
    return counts.read, counts.stored, counts.deduplicated, counts.rejected


@pytest.mark.parametrize("table", SOUND)
def test_exact_duplicates_fold(tmp_path: Path, table: str) -> None:
    tables = small_world()
    sound = len(tables[table])
    tables[table] += [dict(tables[table][0]), dict(tables[table][0])]
    assert counts_of(tmp_path, tables, table) == (sound + 2, sound, 2, 0)
    assert published(tmp_path / "home", "quarantine").is_empty()


def test_deduplicated_rows_keep_their_place_in_the_count_of_rows(tmp_path: Path) -> None:
    tables = small_world()
    tables["users"] = [*tables["users"] * 2, user("", "ghost", "", status="ghost").row]
    assert counts_of(tmp_path, tables, "users") == (7, 3, 3, 1)
    assert published(tmp_path / "home", "quarantine")["detail"].item().endswith("(line 7)")


def test_older_versions_of_activity_fold(tmp_path: Path) -> None:
    versions = [
        activity("", "a9", "", progress=30, last_activity_at="2026-03-05T00:00:00Z"),
        activity("", "a9", "", progress=70, last_activity_at="2026-03-06T00:00:00Z"),
        activity("", "a9", "", progress=50, last_activity_at="2026-03-04T00:00:00Z"),
    ]
    tables = {**with_cases(versions), "enrollments": small_world()["enrollments"][:1]}
    tables["step_activity"] = [case.row for case in versions]
    assert counts_of(tmp_path, tables, "step_activity") == (3, 1, 2, 0)
    steps = published(tmp_path / "home", "step_stats").filter(step_id="A")
    assert steps["progress"].to_list() == [0]  # done outside every session: seen only once completed
    for row in tables["step_activity"]:
        row["session_id"] = "S"
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    steps = published(tmp_path / "home", "step_stats").filter(step_id="A")
    assert steps["progress"].to_list() == [70]


def test_copy_of_the_latest_version_is_deduplicated(tmp_path: Path) -> None:
    versions = [
        activity("", "a9", "", progress=30),
        activity("", "a9", "", progress=70, last_activity_at="2026-03-06T00:00:00Z"),
        activity("", "a9", "", progress=70, last_activity_at="2026-03-06T00:00:00Z"),
    ]
    tables = {**small_world(), "step_activity": [case.row for case in versions]}
    assert counts_of(tmp_path, tables, "step_activity") == (3, 1, 2, 0)


def test_a_broken_row_does_not_take_its_sound_namesake_along(tmp_path: Path) -> None:
    tables = with_cases([user("bad_enum", "u1", "status", status="ghost")])
    assert counts_of(tmp_path, tables, "users") == (4, 3, 0, 1)
    assert published(tmp_path / "home", "users")["user_id"].to_list() == ["u1", "u2", "u3"]


def test_versions_of_a_step_are_distinguished_by_valid_from(tmp_path: Path) -> None:
    """A null valid_from is a value of the key like any other."""
    first = step("", "A", "", valid_to="2026-02-01T00:00:00Z")
    second = step("", "A", "", valid_from="2026-02-01T00:00:00Z")
    other = step("", "A", "", valid_to="2026-02-02T00:00:00Z")
    tables = {**small_world(), "path_steps": [first.row, second.row]}
    assert counts_of(tmp_path, tables, "path_steps") == (2, 2, 0, 0)
    tables["path_steps"].append(other.row)
    assert counts_of(tmp_path, tables, "path_steps") == (3, 1, 0, 2)
    assert published(tmp_path / "home", "quarantine")["key"].to_list() == ["acme/P/A", "acme/P/A"]


def test_first_seen_at_survives_later_runs(tmp_path: Path) -> None:
    ghost = user("bad_enum", "ghost", "status", status="ghost")
    lost = enrollment("unknown_user", "lost", "user_id", user_id="nobody")
    fresh = user("bad_enum", "fresh", "status", status="ghost")
    later = AS_OF.replace(day=11)
    run(as_ndjson(tmp_path / "in", with_cases([ghost, lost])), tmp_path / "home")
    # Not in the same place of its file any more: it is still the same row.
    run(as_ndjson(tmp_path / "in", with_cases([fresh, ghost, lost])), tmp_path / "home", later)
    lines = published(tmp_path / "home", "quarantine").to_dicts()
    assert {line["key"]: line["first_seen_at"] for line in lines} == {
        "acme/ghost": AS_OF,
        "acme/lost": AS_OF,
        "acme/fresh": later,
    }
    assert {line["run_id"] for line in lines} == {"20260311T000000Z"}


def test_a_mended_row_leaves_quarantine(tmp_path: Path) -> None:
    ghost = user("bad_enum", "ghost", "status", status="ghost")
    run(as_ndjson(tmp_path / "in", with_cases([ghost])), tmp_path / "home")
    run(as_ndjson(tmp_path / "in", small_world()), tmp_path / "home", AS_OF.replace(day=11))
    assert published(tmp_path / "home", "quarantine").is_empty()


def many_users(rejected: int) -> Tables:
    """A hundred users, so many of them rejected."""
    tables = small_world()
    more = [user("", f"more-{n}", "", status="ghost" if n < rejected else "active").row for n in range(97)]
    tables["users"] += more
    return tables


def test_rejections_above_the_limit_block_the_release(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run(as_ndjson(tmp_path / "in", many_users(rejected=5)), home, limit=0.05)
    before, stored = assert_complete(latest(home)), warehouse(home)
    assert published(home, "users").height == 95
    with pytest.raises(RunBlocked, match=r"users: 6 of 100 rows") as present:
        run(as_ndjson(tmp_path / "in", many_users(rejected=6)), home, AS_OF.replace(day=11), limit=0.05)
    assert "more-" not in str(present.value)
    assert assert_complete(latest(home)) == before
    assert warehouse(home) == stored
    assert len(list(Home(home).releases.iterdir())) == 1


def warehouse(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the warehouse's tables."""
    with Connection(Home(home).warehouse) as connection:
        return {table: connection.rows(f"FROM {table} ORDER BY ALL") for table in (*SOUND, "quarantine")}


def test_a_partner_that_arrives_later_counts_from_then_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    tables = with_cases(WAITING)
    manifest = run(as_ndjson(tmp_path / "in", tables), home, limit=0.0)
    assert enrolled(home) == {"e1", "e2", "e3"}
    assert published(home, "path_sessions")["session_id"].to_list() == ["S"]
    assert manifest.tables_in["enrollments"].pending == 2

    tables["users"].append(user("", "nobody", "").row)
    tables["path_sessions"].append(session("", "nowhere", "").row)
    tables["paths"].append(path("", "nowhere", "").row)
    manifest = run(as_ndjson(tmp_path / "in", tables), home, datetime(2026, 3, 11, tzinfo=UTC), limit=0.0)
    assert enrolled(home) == {"e1", "e2", "e3", "lost-session", "lost-user"}
    assert published(home, "path_sessions")["session_id"].to_list() == ["S", "lost", "nowhere"]
    assert published(home, "quarantine").is_empty()
    assert sum(counts.pending for counts in manifest.tables_in.values()) == 0


def enrolled(home: Path) -> set[str]:
    return set(published(home, "path_session_stats").select(pl.col("enrollment_id")).to_series())
