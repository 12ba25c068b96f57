"""The demo: the same files for the same arguments, few broken rows, and everything a company must show."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.demo import Demo
from pathstats.cli.main import app
from schemas.columns import Table, facts, key
from schemas.enums import DUE_BASES, DUE_UNITS, STEP_TYPES, TIME_LIMIT_MODES, USER_STATUSES
from schemas.errors import UsageError
from schemas.inputs import INPUTS, OPTIONAL, Enrollments, Paths, PathSessions, PathSteps, StepActivity, Users

AS_OF = datetime(2026, 4, 10, 3, 30, tzinfo=UTC)
ANCHOR = pl.lit(datetime(2026, 4, 10, tzinfo=UTC))
TYPED = tuple(model for model in INPUTS if model not in (PathSteps, *OPTIONAL))


def landed(folder: Path, learners: int) -> dict[str, pl.DataFrame]:
    """The tables that are written as parquet."""
    Demo(learners).write(folder, AS_OF)
    return {file.stem: pl.read_parquet(file) for file in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def world(folder: Path) -> dict[str, pl.DataFrame]:
    return landed(folder, learners=2_000)


@pytest.fixture(scope="module")
def steps(folder: Path, world: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    lines = (folder / "path_steps.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_same_arguments_and_day_give_the_same_files(tmp_path: Path) -> None:
    later_that_day = AS_OF.replace(hour=23)
    Demo(200, seed=7).write(tmp_path / "once", AS_OF)
    Demo(200, seed=7).write(tmp_path / "again", later_that_day)
    Demo(200, seed=8).write(tmp_path / "another", AS_OF)
    once = contents(tmp_path / "once")
    assert once == contents(tmp_path / "again")
    assert not once.items() & contents(tmp_path / "another").items()


def sound(folder: Path, table: str) -> pl.DataFrame:
    """The rows that are neither broken nor sent twice, by their key."""
    rows = pl.read_parquet(folder / f"{table}.parquet")
    key_of = rows.columns[1]
    return rows.unique().filter(pl.len().over(key_of) == 1).sort(key_of)


def test_a_later_day_of_the_month_continues_the_same_company(tmp_path: Path) -> None:
    """Nobody's past is another one on the next day; it only has become longer."""
    day, next_day = tmp_path / "day", tmp_path / "next_day"
    Demo(500).write(day, AS_OF)
    Demo(500).write(next_day, AS_OF + timedelta(days=1))
    unchanged = ("users.parquet", "paths.parquet", "path_sessions.parquet", "path_steps.ndjson")
    assert all(contents(day)[name] == contents(next_day)[name] for name in unchanged)
    was, now = sound(day, "enrollments"), sound(next_day, "enrollments")
    both = was.join(now, on=was.columns[:5], suffix="_now", nulls_equal=True)
    assert both.height == was.height < now.height
    assert both.filter(pl.col("archived_at").is_not_null())["archived_at"].equals(
        both.filter(pl.col("archived_at").is_not_null())["archived_at_now"]
    )
    was, now = sound(day, "step_activity"), sound(next_day, "step_activity")
    assert was.height < now.height
    assert set(was["activity_id"]) <= set(now["activity_id"])
    over = was.filter(pl.col("completed_at").is_not_null())
    assert over.height > was.height / 2
    assert over.join(now, on=was.columns, nulls_equal=True).height == over.height
    both = was.join(now, on="activity_id", suffix="_now")
    for grows in ("last_activity_at", "progress", "time_spent_ms"):
        assert both.filter(pl.col(f"{grows}_now") < pl.col(grows)).is_empty()
    assert both.filter(pl.col("completed_at").is_null() & pl.col("completed_at_now").is_not_null()).height


def test_another_month_has_another_company(tmp_path: Path) -> None:
    Demo(200).write(tmp_path / "march", datetime(2026, 3, 31, tzinfo=UTC))
    Demo(200).write(tmp_path / "april", datetime(2026, 4, 1, tzinfo=UTC))
    march, april = (
        set(pl.read_parquet(tmp_path / month / "users.parquet")["user_id"]) for month in ("march", "april")
    )
    assert not march & april


def test_another_company_s_runs_change_nothing_of_one_s_own(tmp_path: Path) -> None:
    def step_rows(as_of: str) -> int:
        done = CliRunner().invoke(
            app, ["demo", "--learners", "200", "--direct", "--as-of", as_of, "--home", str(tmp_path)]
        )
        assert done.exit_code == 0
        return pl.read_parquet(tmp_path / "demo/published/latest/step_stats.parquet").height

    april = step_rows("2026-04-10T00:00:00Z")
    step_rows("2026-03-10T00:00:00Z")
    assert step_rows("2026-04-10T00:00:00Z") == april > 1_000


def test_too_few_learners_are_rejected_in_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"^The demo needs at least 200 learners; choose 200 or more\.$"):
        Demo(199)


def test_extract_delivers_each_table_once(tmp_path: Path) -> None:
    extracts = list(Demo(200).extract(tmp_path, AS_OF, EMPTY_WAREHOUSE))
    assert sorted(extract.table for extract in extracts) == sorted(
        str(model.to_schema().name) for model in INPUTS if model not in OPTIONAL
    )
    assert all(extract.file.is_file() and extract.data_as_of == AS_OF for extract in extracts)


def test_write_counts_the_rows(tmp_path: Path) -> None:
    rows = Demo(200).write(tmp_path, AS_OF)
    assert rows.pop("path_steps") == len((tmp_path / "path_steps.ndjson").read_text("utf-8").splitlines())
    assert rows == {name: pl.read_parquet(tmp_path / f"{name}.parquet").height for name in rows}


@pytest.mark.parametrize("model", TYPED)
def test_columns_and_types_are_the_contracts(model: type[Table], world: dict[str, pl.DataFrame]) -> None:
    declared = {name: column.dtype.type for name, column in model.to_schema().columns.items()}
    assert dict(world[str(model.to_schema().name)].schema) == declared


def test_steps_are_the_contracts_columns_without_nulls(steps: list[dict[str, Any]]) -> None:
    assert {name for step in steps for name in step} == set(PathSteps.to_schema().columns)
    assert None not in {value for step in steps for value in step.values()}


def rejections(table: pl.DataFrame, model: type[Table]) -> dict[str, int]:
    """Broken rows per reason, read off the model: a check of the demo, not the warehouse's."""
    counts = Counter[str]()
    for name, column in model.to_schema().columns.items():
        fact, value = column.metadata, pl.col(name)
        if not column.nullable and "default" not in fact:
            counts["missing_value"] += table.filter(value.is_null()).height
        if "isin" in fact:
            counts["bad_enum"] += table.filter(~value.is_in(fact["isin"])).height
        if "ge" in fact:
            counts["out_of_range"] += table.filter(
                (value < fact["ge"]) | (value > fact.get("le", 2**62))
            ).height
    for earlier, _, later in facts(model).get("order", []):
        counts["time_order"] += table.filter(pl.col(later) < pl.col(earlier)).height
    versions = list(key(model)) + ["last_activity_at"] * (model is StepActivity)
    counts["duplicate_key"] = table.unique().filter(pl.len().over(versions) > 1).height
    return {reason: count for reason, count in counts.items() if count}


@pytest.mark.parametrize("learners", [200, 2_000, 30_000])
def test_few_rows_are_broken_and_each_reason_occurs(learners: int, tmp_path: Path) -> None:
    tables = landed(tmp_path, learners)
    found = {model: rejections(tables[str(model.to_schema().name)], model) for model in TYPED}
    shares = {
        model: sum(found[model].values()) / tables[str(model.to_schema().name)].height for model in found
    }
    assert max(shares.values()) < 0.03
    assert {model: set(reasons) for model, reasons in found.items()} == {
        Users: {"missing_value", "bad_enum"},
        Paths: set(),
        PathSessions: set(),
        Enrollments: {"missing_value", "time_order", "duplicate_key"},
        StepActivity: {"missing_value", "out_of_range", "time_order", "duplicate_key"},
    }


def test_three_steps_are_broken(steps: list[dict[str, Any]]) -> None:
    times = ("due_at", "valid_from", "valid_to")
    bad_type = [step for step in steps if not isinstance(step["position"], int)]
    naive = [step for step in steps if any(not step.get(name, "Z").endswith("Z") for name in times)]
    no_date = [step for step in steps if step.get("due_basis") == "absolute" and "due_at" not in step]
    assert [len(bad_type), len(naive), len(no_date)] == [1, 1, 1]
    assert 3 / len(steps) < 0.03


def test_repeats_and_older_versions_are_there_to_be_deduplicated(world: dict[str, pl.DataFrame]) -> None:
    for name in ("enrollments", "step_activity"):
        assert world[name].is_duplicated().any()
    latest = pl.col("last_activity_at").max().over("activity_id")
    assert world["step_activity"].filter(pl.col("last_activity_at") < latest).height > 20


def test_partners_that_have_not_arrived(world: dict[str, pl.DataFrame]) -> None:
    def strays(table: str, partner: str, by: str) -> int:
        return world[table].filter(pl.col(by).is_not_null()).join(world[partner], on=by, how="anti").height

    assert strays("path_sessions", "paths", "path_id") == 1
    assert 0 < strays("enrollments", "path_sessions", "session_id") < 10
    assert 0 < strays("enrollments", "users", "user_id") < 40
    assert 0 < strays("step_activity", "users", "user_id") < 400


def test_ids_are_distinct_and_look_like_the_platforms(world: dict[str, pl.DataFrame]) -> None:
    own = {name: world[name][f"{name[:-1]}_id"] for name in ("users", "paths", "enrollments")}
    own |= {
        "sessions": world["path_sessions"]["session_id"],
        "activity": world["step_activity"]["activity_id"],
    }
    distinct = pl.concat([series.unique() for series in own.values()])
    assert distinct.is_unique().all()
    assert distinct.str.contains("^[0-9a-f]{24}$").all()
    assert own["users"].n_unique() == 2_002


def test_nothing_was_done_after_the_day_began(world: dict[str, pl.DataFrame]) -> None:
    times = ("started_at", "last_activity_at", "completed_at")
    late = world["step_activity"].filter(pl.any_horizontal(pl.col(name) > ANCHOR for name in times))
    assert late.is_empty()


def test_size_of_the_company(world: dict[str, pl.DataFrame], steps: list[dict[str, Any]]) -> None:
    size = {name: table.height for name, table in world.items()}
    assert len(steps) >= 100
    assert size["paths"] == 14
    assert size["path_sessions"] == 2_000 // 80 + 1
    assert 2.2 < size["enrollments"] / 2_000 < 2.8
    assert 5 < size["step_activity"] / size["enrollments"] < 7


def test_steps_of_every_kind(steps: list[dict[str, Any]]) -> None:
    def values(name: str) -> set[Any]:
        return {step.get(name) for step in steps}

    assert values("type") == set(STEP_TYPES)
    assert values("due_basis") == {*DUE_BASES, None}
    assert values("due_unit") == {*DUE_UNITS, None}
    assert values("time_limit_mode") == {*TIME_LIMIT_MODES, None}
    assert {"min_score", "attempts_limit", "valid_from", "valid_to"} <= {
        name for step in steps for name in step
    }
    for flag in ("optional", "is_scorm", "is_examination"):
        assert True in values(flag)
    assert not all(float(value).is_integer() for value in values("due_value") - {None})
    paths_of = {
        step["step_id"]: {it["path_id"] for it in steps if it["step_id"] == step["step_id"]} for step in steps
    }
    assert sum(len(paths) > 1 for paths in paths_of.values()) >= 5


AFTER_THE_END = pl.col("started_at") >= pl.col("ends_at")
INGREDIENTS = [
    ("users", "a deleted or invited account", pl.col("status").is_in(USER_STATUSES[1:])),
    ("users", "an address with a plus", pl.col("email").str.contains("+", literal=True)),
    ("users", "an address in mixed case", pl.col("email").str.contains("^[A-Z][a-z]+\\.")),
    ("users", "a name beyond ASCII", pl.col("last_name").str.contains("[^ -~]")),
    ("users", "a shared address", pl.col("email").is_duplicated() & pl.col("email").is_not_null()),
    ("users", "no address", pl.col("email").is_null()),
    ("paths", "mandatory replay", pl.col("mandatory_replay")),
    ("path_sessions", "past", pl.col("ends_at") < ANCHOR),
    ("path_sessions", "running", (pl.col("starts_at") < ANCHOR) & (pl.col("ends_at") > ANCHOR)),
    ("path_sessions", "to come", pl.col("starts_at") > ANCHOR),
    ("path_sessions", "open-ended", pl.col("ends_at").is_null()),
    ("path_sessions", "restarting", pl.col("restarts_on_reenrollment")),
    ("enrollments", "archived", pl.col("archived_at") < ANCHOR),
    ("enrollments", "to be archived", pl.col("archived_at") > ANCHOR),
    ("enrollments", "before the start", pl.col("enrolled_at") < pl.col("starts_at")),
    ("enrollments", "after the start", pl.col("enrolled_at") > pl.col("starts_at")),
    ("enrollments", "in the future", pl.col("enrolled_at") > AS_OF),
    ("enrollments", "once more", pl.struct("session_id", "user_id").is_duplicated()),
    ("step_activity", "outside any session", pl.col("session_id").is_null()),
    ("step_activity", "open", pl.col("completed_at").is_null() & (pl.col("progress") < 100)),
    ("step_activity", "after the session", AFTER_THE_END),
    ("step_activity", "passed", pl.col("passed")),
    ("step_activity", "not passed", ~pl.col("passed")),
    ("step_activity", "a retake", pl.struct("user_id", "step_id", "session_id").is_duplicated()),
]


@pytest.mark.parametrize(
    ("table", "what", "expression"), INGREDIENTS, ids=[f"{it[0]}: {it[1]}" for it in INGREDIENTS]
)
def test_ingredient(table: str, what: str, expression: pl.Expr, world: dict[str, pl.DataFrame]) -> None:
    rows = world[table]
    if table in ("enrollments", "step_activity"):
        rows = rows.join(world["path_sessions"], on="session_id", how="left")
    found = rows.filter(expression).height
    assert 0 < found < rows.height, what


def test_courses_on_no_path(world: dict[str, pl.DataFrame], steps: list[dict[str, Any]]) -> None:
    on_a_path = [step["step_id"] for step in steps]
    outside = world["step_activity"].filter(~pl.col("step_id").is_in(on_a_path))
    assert outside.height > 100
    assert outside["session_id"].null_count() == outside.height


def test_the_same_course_is_done_in_two_sessions(world: dict[str, pl.DataFrame]) -> None:
    done = world["step_activity"].filter(pl.col("session_id").is_not_null())
    sessions = done.group_by("user_id", "step_id").agg(pl.col("session_id").n_unique())
    assert (sessions["session_id"] > 1).any()
