"""A person who is removed at the source: nothing that a run publishes afterwards names them."""

from datetime import timedelta
from pathlib import Path

import pytest

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from flows.warehouse.thresholds import NO_THRESHOLDS
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_ndjson, latest, published, run, small_world
from tests.reference.rows import Tables

GONE = "gone-user-0a1b2c"
NAMES = {"email": "gone.person@example.org", "first_name": "Gonefirst", "last_name": "Gonelast"}
LATER = AS_OF + timedelta(days=1)


def world_with(user: dict[str, str]) -> Tables:
    """The small world, one of its three learners under that id and names."""
    tables = small_world()
    for rows in tables.values():
        for row in rows:
            if row.get("user_id") == "u2":
                row["user_id"] = user["user_id"]
    (row,) = [row for row in tables["users"] if row["user_id"] == user["user_id"]]
    row |= user
    return tables


def without(tables: Tables, user_id: str) -> Tables:
    return {name: [row for row in rows if row.get("user_id") != user_id] for name, rows in tables.items()}


def valid_steps(folder: Path, *texts: str) -> dict[str, list[str]]:
    """The files with one of the texts, as plain bytes."""
    found = {
        str(file.relative_to(folder)): [text for text in texts if text.encode() in file.read_bytes()]
        for file in folder.rglob("*")
        if file.is_file()
    }
    return {name: texts for name, texts in found.items() if texts}


def test_next_release_contains_nothing_of_a_removed_user(tmp_path: Path) -> None:
    """Free pages of the look-up, which is a changed copy of the last one's, included."""
    tables = world_with({"user_id": GONE, **NAMES})
    for number in range(300):
        tables["users"].append(
            {**tables["users"][0], "user_id": f"other-{number}", "email": f"{number}@x.org"}
        )
    run(as_ndjson(tmp_path / "in1", tables), tmp_path / "home")
    assert set(valid_steps(latest(tmp_path / "home").folder, GONE, *NAMES.values())) >= {"lookup.sqlite"}
    manifest = run(as_ndjson(tmp_path / "in2", without(tables, GONE)), tmp_path / "home", LATER)
    release = latest(tmp_path / "home")
    assert manifest.reused > 0
    found = valid_steps(release.folder, GONE, *NAMES.values())
    # The change log names removed users by their ids.
    assert {name: texts for name, texts in found.items() if texts != [GONE]} == {}
    assert "lookup.sqlite" not in found


@pytest.mark.parametrize(
    "wrong", [{"status": "ghost"}, {"user_id": None}, {"status": "gone.person@example.org"}]
)
def test_quarantine_contains_neither_names_nor_e_mail_of_a_rejected_user(
    tmp_path: Path, wrong: dict[str, str | None]
) -> None:
    tables = small_world()
    rejected = {**tables["users"][0], "user_id": GONE, **NAMES, "Mail (work)": NAMES["email"], **wrong}
    tables["users"].append(rejected)
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    (line,) = published(tmp_path / "home", "quarantine").filter(table="users").to_dicts()
    assert all(name not in str(line) for name in NAMES.values())
    assert (line["key"] or "").endswith(GONE) == (wrong.get("user_id", GONE) is not None)


def test_two_versions_of_one_user_are_rejected_without_their_e_mails(tmp_path: Path) -> None:
    tables = world_with({"user_id": GONE, **NAMES})
    (user,) = [row for row in tables["users"] if row["user_id"] == GONE]
    tables["users"].append({**user, "email": "gone.other@example.org"})
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    lines = published(tmp_path / "home", "quarantine").filter(table="users").to_dicts()
    assert [(line["key"], line["reason"]) for line in lines] == [(f"acme/{GONE}", "duplicate_key")] * 2
    assert "gone." not in str([line["row"] + line["detail"] for line in lines])


def test_user_rejected_in_changes_leaves_quarantine_with_the_next_whole_table(tmp_path: Path) -> None:
    tables = small_world()
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    rejected = {**tables["users"][0], "user_id": GONE, **NAMES, "status": "ghost"}
    changes = as_ndjson(tmp_path / "changes", {"users": [rejected]})
    run(f"changes:{changes}", tmp_path / "home", LATER)
    assert published(tmp_path / "home", "quarantine")["key"].to_list() == [f"acme/{GONE}"]
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home", LATER + timedelta(days=1))
    assert published(tmp_path / "home", "quarantine").is_empty()
    assert valid_steps(latest(tmp_path / "home").folder, GONE) == {}


def run_keeping_one_release(source: str, home: Path, day: int) -> None:
    run_pipeline(
        RunConfig(
            source=source,
            home=Home(home),
            as_of=AS_OF + timedelta(days=day),
            **NO_THRESHOLDS.model_dump(),
            keep=1,
        )
    )


def test_home_contains_nothing_of_a_removed_user_once_their_releases_are_deleted(tmp_path: Path) -> None:
    """The id is in the release that reports the enrollment as gone, and in the warehouse until that goes."""
    tables = world_with({"user_id": GONE, **NAMES})
    home = tmp_path / "home"
    run_keeping_one_release(f"files:{as_ndjson(tmp_path / 'in1', tables)}", home, 0)
    assert "warehouse.duckdb" in valid_steps(home, GONE, *NAMES.values())
    source = f"files:{as_ndjson(tmp_path / 'in2', without(tables, GONE))}"
    run_keeping_one_release(source, home, 1)
    left = valid_steps(home, GONE, *NAMES.values())
    assert {Path(name).name: texts for name, texts in left.items()} == {
        "warehouse.duckdb": [GONE],
        "status_changes.parquet": [GONE],
    }
    run_keeping_one_release(source, home, 2)
    assert valid_steps(home, GONE, *NAMES.values()) == {}


def test_home_contains_no_former_e_mail_of_a_user(tmp_path: Path) -> None:
    tables = world_with({"user_id": GONE, **NAMES})
    home = tmp_path / "home"
    run_keeping_one_release(f"files:{as_ndjson(tmp_path / 'in', tables)}", home, 0)
    (user,) = [row for row in tables["users"] if row["user_id"] == GONE]
    changes = as_ndjson(tmp_path / "changes", {"users": [{**user, "email": "new@example.org"}]})
    run_keeping_one_release(f"changes:{changes}", home, 1)
    assert valid_steps(home, NAMES["email"]) == {}
    assert latest(home).table("users").exists()


def test_user_who_returns_after_being_erased_counts_again(tmp_path: Path) -> None:
    tables = world_with({"user_id": GONE, **NAMES})
    home = tmp_path / "home"
    all_learners = f"files:{as_ndjson(tmp_path / 'in1', tables)}"
    others = f"files:{as_ndjson(tmp_path / 'in2', without(tables, GONE))}"
    run_keeping_one_release(all_learners, home, 0)
    before = published(home, "path_session_stats")
    run_keeping_one_release(others, home, 1)
    run_keeping_one_release(others, home, 2)
    run_keeping_one_release(all_learners, home, 3)
    after = published(home, "path_session_stats")
    assert after["user_id"].to_list() == before["user_id"].to_list()
    assert after["progress"].to_list() == before["progress"].to_list()


def test_failed_copy_of_the_warehouse_does_not_block_and_the_next_run_erases(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables = world_with({"user_id": GONE, **NAMES})
    home = tmp_path / "home"
    run_keeping_one_release(f"files:{as_ndjson(tmp_path / 'in1', tables)}", home, 0)
    source = f"files:{as_ndjson(tmp_path / 'in2', without(tables, GONE))}"
    in_the_way = Home(home).warehouse_copy
    in_the_way.mkdir()
    run_keeping_one_release(source, home, 1)
    assert "could not be copied" in caplog.text
    assert published(home, "path_session_stats").height == 2
    in_the_way.rmdir()
    run_keeping_one_release(source, home, 2)
    assert valid_steps(home, *NAMES.values()) == {}
