"""Fields of a newer API version that this one does not know: kept, counted, named once, harmless."""

from pathlib import Path
from typing import Any

from tests.helpers.extractions import delivered, land, landed, rows
from tests.helpers.fake_platform import FakePlatform
from tests.helpers.small_company import ADA, COURSE, PATH, ROOM, attempt, small_company


def newer_company() -> FakePlatform:
    platform = small_company(page_size=1)
    lists = platform.lists
    lists["users"][0]["shoeSize"] = 41
    lists["users"][1] |= {"shoeSize": 42, "status": "onLeave"}
    lists["paths"][0]["steps"] += [
        {"_id": "v1", "type": "virtualReality", "options": {"optional": True}},
        {"_id": "v2", "type": "course", "options": {"relativeDate": {"unit": "year", "value": 1}}, "mood": 1},
        {"_id": "v3", "type": "course", "options": {"grace": 1, "timeLimit": {"mode": "about", "value": 1}}},
        {"_id": "v4", "type": "ada@acme.example", "options": {}},
        "no step at all",
    ]
    lists[f"paths/{PATH}/enrollments"][0]["status"] = "paused"
    lists["courses/stats"].append(
        {"_id": "a9", "userId": ADA, "courseId": COURSE, "pathSessionId": None, "mood": "fine"}
    )
    lists[f"classrooms/{ROOM}/registrations"].append(
        {"userId": ADA, "classroomSlotId": "gone", "hasAttended": True, "pathId": PATH}
    )
    lists["paths/stats"] = [{"_id": "e1", "status": {"type": "excused"}}]
    return platform


EXPECTED = {
    "users.shoeSize": 2,
    "users.status=onLeave": 1,
    "paths.steps.type=virtualReality": 1,
    "paths.steps.type=(no word)": 1,
    "paths.steps.mood": 1,
    "paths.steps.options.relativeDate.unit=year": 1,
    "paths.steps.options.timeLimit.mode=about": 1,
    "paths.steps.options.grace": 1,
    "paths.steps that are not objects": 1,
    "enrollments.status=paused": 1,
    "courses.mood": 1,
    "stats.status.type=excused": 1,
}


def test_unknown_field_is_kept_and_counted(tmp_path: Path) -> None:
    platform = newer_company()
    landing = land(platform, tmp_path)
    assert landing.strange() == EXPECTED
    found = landed(landing)
    assert found["paths"] == platform.lists["paths"]
    assert found["users"] == platform.lists["users"]


def test_unknown_field_is_named_in_one_warning_and_has_no_effect(tmp_path: Path) -> None:
    tables, (warning,) = delivered(newer_company(), tmp_path)
    assert warning.startswith(
        "360Learning returns fields or values that this version does not know or can't use; they have no "
    )
    assert "users.shoeSize (2), " in warning
    # 12 are named: those met most often, then in the order in which they were met.
    assert " and 2 more. The pages are stored in " in warning
    assert "ada@" not in warning
    steps = tables["path_steps"].filter(~tables["path_steps"]["step_id"].str.starts_with("0"))
    assert rows(steps, "step_id", "position", "due_unit", "time_limit_s") == [
        ("v2", 7, None, None),
        ("v3", 8, None, None),
    ]
    assert rows(tables["users"], "status") == [("active",), ("active",), ("deleted",)]
    assert tables["enrollments"].height == 4
    activity = tables["step_activity"]["activity_id"].to_list()
    assert len(activity) == 6
    assert "a9" not in activity


def test_a_company_of_this_version_gives_no_warning(tmp_path: Path) -> None:
    platform = small_company()
    every_known_field: dict[str, Any] = {"createdAt": "2026-01-01T00:00:00.000Z", "groupId": "g1"}
    platform.lists["paths"][0] |= every_known_field | {"translations": [], "authorId": ADA}
    platform.lists["courses/stats"].append(attempt(9, ADA))
    assert delivered(platform, tmp_path)[1] == []
