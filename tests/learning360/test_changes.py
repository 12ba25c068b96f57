"""The runs after the first: what changed since, and what changes have no word for."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from flows.sources.base import EMPTY_WAREHOUSE, WarehouseState
from flows.sources.learning360.sync_plan import Course, Decision, how_to_read_courses
from flows.sources.page_store import landings
from tests.helpers.extractions import TABLES, delivered, extracted, held_after, land, rows
from tests.helpers.fake_platform import FakePlatform, hex_id
from tests.helpers.small_company import (
    ADA,
    BEN,
    CAI,
    COURSE,
    EXAM,
    PATH,
    QUIZ,
    ROOM,
    SESSION,
    SUB_PATH,
    attempt,
    small_company,
)

LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def platform() -> FakePlatform:
    return small_company()


def began(kept: Path, **ago: float) -> WarehouseState:
    """The last extraction began so long ago, and the warehouse contains it."""
    folder, record = landings(kept)[0]
    at = (datetime.now(UTC).replace(microsecond=700_000) - timedelta(**ago)).isoformat()
    text = (folder / "landing.json").read_text("utf-8")
    (folder / "landing.json").write_text(text.replace(record.begun_at, at), "utf-8")
    return held_after(kept)


def test_the_second_run_asks_for_what_changed_since_the_first_began(
    platform: FakePlatform, kept: Path
) -> None:
    stored = began(kept, hours=24)
    platform.asked.clear()
    extracted(platform, kept, stored, overlap_minutes=7)
    since = stored.taken_at["paths"] - timedelta(minutes=7)
    time = f"%5Bgte%5D={since:%Y-%m-%dT%H%%3A%M%%3A%S.000Z}"
    asked = {
        name: sorted(one.partition("?")[0] for one in platform.asked if f"{name}{time}" in one)
        for name in ("modifiedAt", "createdAt")
    }
    of_path = f"api/v2/paths/{PATH}/enrollments"
    assert asked == {
        "modifiedAt": ["api/v2/paths", of_path, of_path, "api/v2/paths/sessions"],
        "createdAt": [of_path, of_path],
    }
    assert sum("%5Bgte%5D" in one for one in platform.asked) == 6


def test_enrollment_that_was_never_modified_is_read_once(platform: FakePlatform, kept: Path) -> None:
    """modifiedAt is optional. One that has both times is in both answers."""
    new = {
        "_id": hex_id(0x150),
        "sessionId": SESSION,
        "userId": CAI,
        "status": "published",
        "createdAt": LATER,
    }
    of_path = platform.lists[f"paths/{PATH}/enrollments"]
    of_path += [new, new | {"_id": hex_id(0x151), "modifiedAt": LATER}]
    of_path.append(new | {"_id": hex_id(0x152), "archivedAt": LATER, "status": "archived"})
    found = extracted(platform, kept, held_after(kept))["changes of enrollments"]
    assert rows(found, "enrollment_id", "archived_at") == [
        (hex_id(0x150), None),
        (hex_id(0x151), None),
        (hex_id(0x152), LATER),
    ]


def test_title_is_known_in_runs_that_do_not_read_it(platform: FakePlatform, kept: Path) -> None:
    """A path that did not change, and courses that the client may not read any more."""
    titles = ["Fire drill", "Hygiene", "Hygiene, positioning", None, None, "Laws"]
    platform.lists["paths"].append(
        {"_id": SUB_PATH, "name": "Laws", "options": {}, "steps": [], "modifiedAt": LATER}
    )
    second = extracted(platform, kept, held_after(kept))
    platform.lists["paths"].pop()
    platform.faults["/courses$"] = lambda request, met: httpx.Response(403, json={"error": "invalid_scope"})
    third, (warning,) = delivered(platform, kept, held_after(kept))
    assert warning.startswith(
        "The list catalog can't be read: the client lacks the scope courses:read, or the platform has no such"
    )
    for tables in (second, third):
        steps = tables["path_steps"]
        assert sorted(steps["title"], key=str) == sorted(titles, key=str)
        assert steps.filter(pl.col("is_scorm") == "true")["step_id"].to_list() == [QUIZ]
    del platform.faults["/courses$"]
    platform.lists["courses"][0]["name"] = ""
    fourth = extracted(platform, kept, held_after(kept))["path_steps"]
    assert fourth.filter(pl.col("step_id") == COURSE)["title"].to_list() == [None]


def test_activity_of_other_ids_is_read_whole_once(platform: FakePlatform, kept: Path) -> None:
    """Changes would leave the rows of the earlier ids next to the rows of the new ones."""
    record = kept / "20260310T020000Z" / "landing.json"
    noted = json.loads(record.read_text("utf-8"))
    del noted["ids"], noted["unread"]
    record.write_text(json.dumps(noted), "utf-8")
    assert "step_activity" in extracted(platform, kept, held_after(kept))
    assert landings(kept)[0][1].is_full
    assert not land(platform, kept, held_after(kept)).record.is_full


def test_overlaps_are_of_a_second_at_least(platform: FakePlatform, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="overlap_minutes"):
        extracted(platform, tmp_path, overlap_minutes=0.5 / 60)


def test_lists_are_read_whole_or_as_changes(platform: FakePlatform, tmp_path: Path) -> None:
    first = extracted(platform, tmp_path)
    assert {name for name in first if name in TABLES} == set(TABLES)
    lists = platform.lists
    lists["paths/sessions"].append({"_id": "b9", "pathId": PATH, "name": "April", "modifiedAt": LATER})
    lists[f"paths/{PATH}/enrollments"][1] |= {"archivedAt": "2026-03-09T00:00:00.000Z", "modifiedAt": LATER}
    second = extracted(platform, tmp_path, held_after(tmp_path))
    assert {name: second[name].height for name in second if name.removeprefix("changes of ") in TABLES} == {
        "users": 3,
        "changes of paths": 0,
        "path_steps": 6,
        "changes of path_sessions": 1,
        "changes of enrollments": 1,
        "step_activity": 6,
    }
    assert rows(second["changes of enrollments"], "user_id", "archived_at") == [
        (BEN, "2026-03-09T00:00:00.000Z")
    ]


@pytest.mark.parametrize(
    "stored",
    [
        EMPTY_WAREHOUSE,
        WarehouseState({}, dict.fromkeys(TABLES, datetime(2026, 1, 1, tzinfo=UTC))),
    ],
)
def test_everything_is_read_if_the_warehouse_has_another_content(
    platform: FakePlatform, kept: Path, stored: WarehouseState
) -> None:
    assert land(platform, kept, stored).record.is_full


def test_everything_is_read_once_a_week(platform: FakePlatform, kept: Path) -> None:
    """In whole days from the last time, however many runs of changes came between."""
    changes = land(platform, kept, began(kept, days=6.4)).record
    assert not changes.is_full
    assert changes.full_at == landings(kept)[1][1].full_at < changes.begun_at
    shutil.rmtree(kept / "20260310T020000Z-2")
    folder, record = landings(kept)[0]
    week_ago = (datetime.now(UTC) - timedelta(days=6.9)).isoformat()
    text = (folder / "landing.json").read_text("utf-8")
    (folder / "landing.json").write_text(text.replace(record.full_at, week_ago), "utf-8")
    assert land(platform, kept, held_after(kept)).record.is_full


def test_everything_is_read_every_run_if_that_is_wanted(platform: FakePlatform, kept: Path) -> None:
    assert land(platform, kept, held_after(kept), full_every_days=0).record.is_full


def test_everything_is_read_when_other_lists_were_skipped(platform: FakePlatform, tmp_path: Path) -> None:
    extracted(platform, tmp_path, skip="classrooms")
    assert "enrollments" in extracted(platform, tmp_path, held_after(tmp_path))


def test_changes_of_a_blocked_run_are_read_again(platform: FakePlatform, kept: Path) -> None:
    """The warehouse still contains the extraction before: changes count from there."""
    stored = began(kept, days=2)
    extracted(platform, kept, stored)
    platform.asked.clear()
    extracted(platform, kept, stored)
    assert any(
        f"{stored.taken_at['paths'] - timedelta(minutes=5):%Y-%m-%dT%H}" in one for one in platform.asked
    )


def test_a_step_that_leaves_a_path_is_gone_and_the_others_stay(
    platform: FakePlatform, tmp_path: Path
) -> None:
    """A path comes with all its steps; steps of unchanged paths come from the run before."""
    platform.lists["paths"].append(
        {"_id": "a9", "name": "Quiet", "options": {}, "steps": [{"_id": "c9", "type": "course"}]}
        | {"modifiedAt": "2026-01-01T00:00:00.000Z"}
    )
    extracted(platform, tmp_path)
    path = platform.lists["paths"][0]
    path |= {"steps": path["steps"][1:3], "modifiedAt": LATER}
    second = extracted(platform, tmp_path, held_after(tmp_path))
    assert rows(second["path_steps"], "path_id", "step_id", "position") == [
        (PATH, COURSE, 0),
        (PATH, hex_id(0xC6), 1),
        ("a9", "c9", 0),
    ]
    # The quiz has left the path, and what it waived with it.
    assert second["waivers"].is_empty()
    third = extracted(platform, tmp_path, held_after(tmp_path))
    assert third["path_steps"].sort(pl.all()).equals(second["path_steps"].sort(pl.all()))


def test_an_attendance_is_given_to_an_enrollment_of_an_earlier_run(
    platform: FakePlatform, kept: Path
) -> None:
    """Also if that has been changed since: Ben's was made before the slot and archived after it."""
    enrolled = platform.lists[f"paths/{PATH}/enrollments"]
    enrolled[1] |= {"archivedAt": "2026-03-05T10:00:00.000Z", "modifiedAt": LATER}
    enrolled[0] |= {"archivedAt": "2026-03-05T08:00:00.000Z", "modifiedAt": LATER}
    platform.lists[f"classrooms/{ROOM}/registrations"][1]["hasAttended"] = True
    second = extracted(platform, kept, held_after(kept))
    attended = second["step_activity"].filter(pl.col("step_id") == ROOM)
    assert rows(attended, "user_id", "session_id") == [(ADA, None), (BEN, SESSION)]


def test_a_correction_that_the_platform_forgets_is_kept(platform: FakePlatform, kept: Path) -> None:
    """Also when everything is read full_refresh: a subscription's events don't stay for ever."""
    (events,) = (name for name in platform.lists if name.endswith("/events"))
    platform.lists[events] = []
    for stored in (held_after(kept), EMPTY_WAREHOUSE, EMPTY_WAREHOUSE):
        activity = extracted(platform, kept, stored)["step_activity"]
        assert rows(activity.filter(pl.col("step_id") == EXAM), "user_id", "score") == [(ADA, "75")]


def test_corrections_from_a_file(platform: FakePlatform, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    lines = [
        f'{{"type": "user.assessment.corrected", "timestamp": "2026-03-0{score}T10:00:01.000Z", "data": '
        f'{{"userId": "{BEN}", "assessmentId": "{EXAM}", "sessionId": "{SESSION}", "success": false, '
        f'"score": {score}, "correctedAt": "2026-03-0{score}T10:00:00.000Z"}}}}\n'
        for score in range(1, 8)
    ]
    file.write_text("\n".join(lines), "utf-8")
    found = extracted(platform, tmp_path / "kept", corrections_file=file, subscription=None)
    corrected = found["step_activity"].filter(pl.col("step_id") == EXAM)
    assert rows(corrected, "score", "passed") == [(str(score), "false") for score in range(1, 8)]


# Attempts at courses: as one list, or by course


def test_whichever_is_fewer_pages() -> None:
    """By course: steps of paths, now or before, and courses with attempts in a session."""
    outside = {f"{n:03d}": Course(500, in_session=False, is_step=False) for n in range(9)}
    step, left = Course(600, in_session=True, is_step=True), Course(300, in_session=True, is_step=False)
    # 5,400 attempts are 11 pages; the 900 that matter are 2.
    assert how_to_read_courses(outside | {"a": step, "b": left}) == Decision((("a", "b"),), 11, 2)
    # As many pages by course as in the list: the list, which sees deletions.
    assert how_to_read_courses({"a": step, "b": left}) == Decision((), 2, 2)
    # At most 20 courses a request: a hundred are five requests at least, however few attempts there are.
    few = {f"{n:03d}": Course(1, in_session=True, is_step=True) for n in range(100)}
    assert how_to_read_courses(few) == Decision((), 1, 5)
    by_course = how_to_read_courses(few | {"outside": Course(5_000, in_session=False, is_step=False)})
    assert [len(batch) for batch in by_course.batches] == [20] * 5
    # Of a first run nothing is known.
    assert how_to_read_courses({}) == Decision((), None, None)


def test_attempts_by_course_on_the_runs_between(tmp_path: Path) -> None:
    """By course they are changes; a course that comes onto a path is read, with what was done before."""
    platform = small_company(page_size=500)
    outside = [attempt(1000 + n, BEN, hex_id(0xAAA), pathSessionId=None) for n in range(1_200)]
    platform.lists["courses/stats"] += outside
    first = extracted(platform, tmp_path)
    assert first["step_activity"].height == 1_206
    platform.asked.clear()
    second = extracted(platform, tmp_path, held_after(tmp_path))
    assert second["changes of step_activity"].height == 5
    (asked,) = (one for one in platform.asked if "courses/stats" in one)
    assert asked == f"api/v2/courses/stats?courseId%5Bin%5D%5B0%5D={COURSE}&courseId%5Bin%5D%5B1%5D={QUIZ}"
    decision = landings(tmp_path)[0][1].decision
    assert decision == {"batches": [[COURSE, QUIZ]], "pages_whole": 3, "pages_by_course": 1}

    path = platform.lists["paths"][0]
    path |= {"steps": [*path["steps"], {"_id": hex_id(0xCF), "type": "course"}], "modifiedAt": LATER}
    third = extracted(platform, tmp_path, held_after(tmp_path))
    found = third["changes of step_activity"]
    assert rows(found.filter(pl.col("step_id") == hex_id(0xCF)), "user_id") == [(CAI,)]

    # It leaves the path again: archived enrollments still count it.
    path |= {"steps": path["steps"][:-1]}
    fourth = extracted(platform, tmp_path, held_after(tmp_path))
    assert hex_id(0xCF) in fourth["changes of step_activity"]["step_id"].to_list()
    assert "step_activity" in extracted(platform, tmp_path, EMPTY_WAREHOUSE)


def test_courses_that_had_attempts_and_have_none_are_a_warning(tmp_path: Path) -> None:
    """The platform may not understand the filter; what is known of them stays."""
    platform = small_company(page_size=500)
    platform.lists["courses/stats"] += [
        attempt(1000 + n, BEN, hex_id(0xAAA), pathSessionId=None) for n in range(1_200)
    ]
    extracted(platform, tmp_path)
    whole = platform.lists["courses/stats"]
    platform.lists["courses/stats"] = []
    for _ in range(2):
        tables, (warning,) = delivered(platform, tmp_path, held_after(tmp_path))
        assert warning.startswith(
            f"The platform returns no attempts for 2 courses that had 3 before ({COURSE}, {QUIZ}); "
        )
        assert tables["changes of step_activity"].height == 2
    platform.lists["courses/stats"] = whole
    assert delivered(platform, tmp_path, held_after(tmp_path))[1] == []


# What is kept


def test_landings_are_kept_for_so_many_runs(platform: FakePlatform, tmp_path: Path) -> None:
    extracted(platform, tmp_path, keep_landings=2)
    first = landings(tmp_path)[0][1].begun_at
    for _ in range(2):
        extracted(platform, tmp_path, keep_landings=2)
    assert len(landings(tmp_path)) == 2
    assert first not in [record.begun_at for _, record in landings(tmp_path)]


def test_landing_that_the_warehouse_is_from_is_kept(platform: FakePlatform, kept: Path) -> None:
    """However many runs were blocked since."""
    stored = held_after(kept)
    for _ in range(2):
        extracted(platform, kept, stored, keep_landings=1)
    assert (kept / "20260310T020000Z").is_dir()
