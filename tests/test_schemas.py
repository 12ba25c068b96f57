"""The words against the contract: tables, columns, types, meanings, and the order of rows."""

import inspect
import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import errors
from schemas.columns import Table, key, table_name
from schemas.home import OCCASIONAL_TABLES, PARQUET_TABLES
from schemas.inputs import INPUTS, OPTIONAL
from schemas.outputs import OUTPUTS, SOMETIMES
from tests.helpers.one_run import AS_OF, as_parquet, latest, published, run
from tests.reference.tables import world
from tests.release.test_schema_gate import CASES

# Input tables; `*` is required.
TABLES_IN = """
users          | company_id* str, user_id* str, email str, first_name str, last_name str, status* str
paths          | company_id* str, path_id* str, name str, mandatory_replay* bool, linear_progression bool
path_steps     | company_id* str, path_id* str, step_id* str, position* int, type* str, optional* bool,
                 due_basis str, due_unit str, due_value float, due_at time, min_score float,
                 attempts_limit int, time_limit_mode str, time_limit_s float, is_scorm bool,
                 is_examination bool, valid_from time, valid_to time, title str
path_sessions  | company_id* str, session_id* str, path_id* str, name str, starts_at* time, ends_at time,
                 restarts_on_reenrollment bool
enrollments    | company_id* str, enrollment_id* str, session_id* str, user_id* str, enrolled_at* time,
                 archived_at time
step_activity  | company_id* str, activity_id* str, user_id* str, step_id* str, session_id str,
                 started_at* time, last_activity_at* time, completed_at time, progress* int, score float,
                 time_spent_ms* int, passed bool, enrollment_id str
waivers        | company_id* str, path_id* str, step_id* str, threshold* int, waived_step_id* str,
                 valid_from time, valid_to time
child_sessions | company_id* str, session_id* str, root_session_id* str
"""
# Published tables.
TABLES_OUT = """
path_session_stats | company_id, session_id, user_id, enrollment_id, is_current, progress, global_time_ms,
                     score, status, completed_at, detailed_status_type, detailed_status_reason, result,
                     archived_at, enrolled_at, started_at, next_due_at, overdue_steps, required_steps,
                     required_steps_finished, decided_by_step_id, deciding_rule,
                     all_required_finished_at, is_late, late_since, valid_until
step_stats         | company_id, session_id, user_id, enrollment_id, step_id, position, optional, finished,
                     finished_at, successful, successful_at, exhausted, to_retake, replay_pending,
                     awaiting_correction, carried_over, score, progress, time_ms, attempts_used, due_at,
                     overdue
attempts           | company_id, session_id, user_id, enrollment_id, step_id, started_at, completed_at,
                     made_in_session_id, progress, score, time_spent_ms, account, missed_min_score,
                     missed_max_time_s, missed_min_time_s, missed_pass, attempts_limit
session_summary    | company_id, session_id, path_id, name, session_not_opened, successful, unsuccessful,
                     awaiting_correction, to_retake, not_yet_started, late, on_time, enrolled, archived,
                     overdue, mean_progress, mean_score, median_global_time_ms
quarantine         | table, key, reason, detail, first_seen_at, run_id, row
status_changes     | company_id, session_id, user_id, enrollment_id, field, old_value, new_value,
                     from_as_of, to_as_of, cause
"""
WORDS = {"String": "str", "Int32": "int", "Int64": "int", "Float64": "float", "Boolean": "bool"}


def listed(text: str) -> dict[str, list[str]]:
    """The columns of each table of a block."""
    tables: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        name, bar, columns = line.rpartition("|")
        table = name.strip() if bar else list(tables)[-1]
        tables.setdefault(table, []).extend(it.strip() for it in columns.split(",") if it.strip())
    return tables


def declared(model: type[Table]) -> list[str]:
    return [
        f"{name}{'' if facts.nullable or 'default' in facts.metadata else '*'} "
        f"{WORDS.get(str(facts.dtype), 'time')}"
        for name, facts in model.to_schema().columns.items()
    ]


def test_the_tables_that_come_in_are_the_contract_s() -> None:
    assert {table_name(model): declared(model) for model in INPUTS} == listed(TABLES_IN)


def test_the_tables_that_go_out_are_the_contract_s() -> None:
    found = {table_name(model): list(model.to_schema().columns) for model in OUTPUTS}
    as_they_come_in = {
        table: [column.partition(" ")[0].rstrip("*") for column in columns]
        for table, columns in listed(TABLES_IN).items()
        if table in ("users", "path_sessions")
    }
    assert found == {**listed(TABLES_OUT), **as_they_come_in}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with ids that are easily sorted wrongly: by case, by length, by accent, by UTF-16."""
    folder = tmp_path_factory.mktemp("ids")
    ids = ["e1", "e10", "e2", "E2", "é", "Z", "z", "_", "\uff5e", "\U0001d4b3", "ab", "a b", "a"]
    tables = world(
        steps="company | step \n acme | A \n Zen | A",
        paths="company | path \n acme | P \n Zen | P",
        sessions="company | session \n acme | S \n acme | a \n Zen | S",
        enrollments="\n".join(
            [
                "company | enrollment | session | user",
                *(f"acme | {name} | {session} | u{n % 3}" for session in "aS" for n, name in enumerate(ids)),
                *(f"Zen | {name} | S | {name}" for name in ids),
            ]
        ),
        activity="\n".join(
            [
                "company | user | session | step | started",
                *(f"acme | u{n} | S | {name} | {n + 2} Mar" for n in range(3) for name in ids),
                *(f"Zen | {name} | S | A | {day} Mar" for name in ids for day in (4, 3)),
            ]
        ),
    )
    for n, row in enumerate(tables["enrollments"][: len(ids)]):
        row["enrollment_id"] = f"{ids[n]}'"
    tables["users"] += [{"company_id": "acme", "user_id": f"g{n}", "status": "ghost"} for n in range(3)]
    source = as_parquet(folder / "in", tables)
    for days in (10, 0):
        run(source, folder / "home", AS_OF - timedelta(days=days))
    return folder / "home"


@pytest.mark.parametrize("model", OUTPUTS, ids=table_name)
def test_rows_are_sorted_by_the_code_points_of_their_key(home: Path, model: type[Table]) -> None:
    rows = published(home, table_name(model)).select(key(model)).rows()
    assert len(rows) > 2
    assert rows == sorted(rows)


ARROW_TYPES = {
    "str": pa.large_string(),
    "bool": pa.bool_(),
    "float": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
}


@pytest.mark.parametrize("model", OUTPUTS, ids=table_name)
def test_column_metadata_has_type_meaning_unit_and_null(home: Path, model: type[Table]) -> None:
    file = latest(home).table(table_name(model))
    in_file = pq.read_schema(file)
    columns = model.to_schema().columns
    assert in_file.names == list(columns)
    of_file = json.loads(pq.read_metadata(file).metadata[b"columns"])
    for field in in_file:
        facts = columns[field.name]
        kind = WORDS.get(str(facts.dtype), "time")
        assert field.type == (ARROW_TYPES.get(kind) or getattr(pa, str(facts.dtype).lower())())
        given = {"description": facts.description, **facts.metadata}
        expected = {name: given[name] for name in ("description", "unit", "null") if name in given}
        assert {name.decode(): text.decode() for name, text in field.metadata.items()} == expected
        assert of_file[field.name] == expected


@pytest.mark.parametrize("model", [*INPUTS, *OUTPUTS, *SOMETIMES], ids=table_name)
def test_every_column_has_a_meaning_and_every_quantity_a_unit(model: type[Table]) -> None:
    for name, facts in model.to_schema().columns.items():
        assert (facts.description or "").endswith("."), name
        if name.endswith(("_ms", "_s", "score", "progress", "threshold")):
            assert "unit" in facts.metadata, name


def test_every_truth_has_a_row_that_breaks_it() -> None:
    """A check that is added needs a case in test_gate."""
    truths = {(check.name, model) for model in OUTPUTS for check in model.to_schema().checks}
    assert truths
    assert truths <= {(name, model) for name, model, _ in CASES}


def test_the_error_tree_is_drawn_whole_and_ends_with_the_codes_of_the_command() -> None:
    members = inspect.getmembers(errors, inspect.isclass)
    codes = {name: kind.exit_code for name, kind in members if kind.__module__ == errors.__name__}
    assert [name for name in codes if name not in (errors.__doc__ or "")] == []
    expected = {
        "RunFailed": 1,
        "UsageError": 2,
        "SourceError": 3,
        "NotFound": 4,
        "UnknownName": 4,
        "NoRelease": 4,
        "RunBlocked": 5,
        "Stale": 6,
        "ReleaseDamaged": 7,
    }
    assert {name: codes[name] for name in expected} == expected
    # 0 is success, 130 Ctrl-C; neither is an error of ours.
    assert set(errors.EXIT_CODES) == {0, *codes.values(), 130}


def test_a_release_names_the_tables_that_the_schemas_describe() -> None:
    assert tuple(map(table_name, OUTPUTS)) == PARQUET_TABLES
    assert tuple(map(table_name, (*SOMETIMES, *OPTIONAL))) == OCCASIONAL_TABLES
