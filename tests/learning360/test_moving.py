"""Rows that are edited, added and moved while they are paged: each counts once, as it was read last."""

from pathlib import Path

import httpx
import polars as pl

from tests.helpers.extractions import extracted, rows
from tests.helpers.fake_platform import hex_id
from tests.helpers.small_company import ADA, BEN, CAI, COURSE, PATH, ROOM, SLOT, attempt, small_company


def test_rows_that_come_twice_in_other_versions(tmp_path: Path) -> None:
    """Of an attempt the version with the later activity counts, whichever page it was on."""
    platform = small_company(page_size=1)
    lists = platform.lists
    later = "2026-03-02T10:00:00.000Z"
    lists["users"].append(lists["users"][0] | {"firstName": "Augusta"})
    lists["paths/sessions"].append(lists["paths/sessions"][0] | {"name": "March, edited"})
    lists["paths"].append(lists["paths"][0] | {"steps": lists["paths"][0]["steps"][:2]})
    lists["courses/stats"] = [
        attempt(1, ADA, score=90, lastActivityAt=later),
        attempt(1, ADA, score=10),
        attempt(2, BEN, score=10),
        attempt(2, BEN, score=90),
    ]
    registered = lists[f"classrooms/{ROOM}/registrations"]
    registered.append(registered[1] | {"hasAttended": True})
    registered.append(registered[0] | {"hasAttended": False})
    found = extracted(platform, tmp_path)
    assert rows(found["users"], "user_id", "first_name")[0] == (ADA, "Augusta")
    assert rows(found["path_sessions"], "name") == [("March, edited",)]
    assert found["paths"].height == 1
    assert found["path_steps"].height == 2
    activity = found["step_activity"]
    assert rows(activity.filter(pl.col("step_id") == COURSE), "activity_id", "score") == [
        (hex_id(0x201), "90"),
        (hex_id(0x202), "90"),
    ]
    assert rows(activity.filter(pl.col("step_id") == ROOM), "activity_id") == [(f"{SLOT}-{BEN}",)]


def test_an_enrollment_that_is_archived_between_two_pages(tmp_path: Path) -> None:
    """Listed first as active, then as archived: it is archived. One created in between is there, too."""
    platform = small_company(page_size=1)
    enrolled = platform.lists[f"paths/{PATH}/enrollments"]

    def edit(request: httpx.Request, met: int) -> None:
        if met == 1:
            archived = {"archivedAt": "2026-03-09T00:00:00.000Z", "status": "archived"}
            # A list without it may repeat a row at the border of two pages, or none.
            enrolled.append(enrolled[0] | archived)
            enrolled.append(enrolled[1] | {"_id": hex_id(0x199), "userId": ADA})

    platform.faults[r"enrollments.status%5Beq%5D=published"] = edit
    found = extracted(platform, tmp_path)["enrollments"]
    assert rows(found, "enrollment_id", "archived_at") == [
        (hex_id(0x101), "2026-03-09T00:00:00.000Z"),
        (hex_id(0x102), None),
        (hex_id(0x103), None),
        (hex_id(0x104), "2026-02-20T08:00:00.000Z"),
        (hex_id(0x199), None),
    ]


def test_half_a_surrogate_pair_does_not_fail_the_run(tmp_path: Path) -> None:
    """JSON can contain half a surrogate pair, UTF-8 can't; a line end in a name doesn't end a line."""
    platform = small_company()
    answer = f'[{{"_id": "{CAI}", "status": "active", "firstName": "\\ud83d", "lastName": "a\\nb\\u2028c"}}]'
    platform.faults["/users"] = lambda request, met: httpx.Response(200, text=answer)
    assert rows(extracted(platform, tmp_path)["users"], "first_name", "last_name") == [("?", "a\nb\u2028c")]
