"""The requests of an extraction: which ones, in which order, how often."""

from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from schemas.errors import SourceError
from tests.helpers.extractions import land, landed
from tests.helpers.fake_platform import FakePlatform
from tests.helpers.small_company import (
    ADA,
    NO_SUBSCRIPTION,
    PATH,
    ROOM,
    SUBSCRIPTION,
    attempt,
    enrollment,
    small_company,
)


def test_every_page_of_every_list_is_landed_as_it_came(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    found = landed(land(platform, tmp_path))
    lists = platform.lists
    enrolled = lists[f"paths/{PATH}/enrollments"]
    assert found == {
        "paths": lists["paths"],
        "sessions": lists["paths/sessions"],
        f"enrollments/{PATH}/published": [row for row in enrolled if "archivedAt" not in row],
        f"enrollments/{PATH}/archived": [row for row in enrolled if "archivedAt" in row],
        "courses": lists["courses/stats"],
        "catalog": lists["courses"],
        "classrooms": lists["classrooms"],
        f"slots/{ROOM}": lists[f"classrooms/{ROOM}/slots"],
        f"registrations/{ROOM}": lists[f"classrooms/{ROOM}/registrations"],
        # Without its name and address: the address may contain a key.
        f"subscription/{SUBSCRIPTION}": [
            {"_id": SUBSCRIPTION, "eventType": "user.assessment.corrected", "status": "active"}
        ],
        f"corrections/{SUBSCRIPTION}": lists[f"webhooks/subscriptions/{SUBSCRIPTION}/events"],
        "users": lists["users"],
        "stats/published": [],
        "stats/archived": [],
    }


def test_learner_unenrolled_while_enrollments_are_read_is_in_one_list(tmp_path: Path) -> None:
    """Archived ones are asked for when all that are in force have been read."""
    platform = small_company(page_size=1)
    land(platform, tmp_path)
    asked = [one for one in platform.asked if "enrollments" in one]
    assert ["archived" in one for one in asked] == [False, False, False, True]


@pytest.mark.parametrize(
    ("skip", "prefixes"),
    [
        ("courses", ("courses/stats",)),
        ("classrooms", ("classrooms",)),
        ("assessments", ("webhooks",)),
        ("stats", ("paths/stats",)),
        ("classrooms, stats", ("classrooms", "paths/stats")),
    ],
)
def test_skipped_list_is_not_requested(tmp_path: Path, skip: str, prefixes: tuple[str, ...]) -> None:
    platform, all_of_it = small_company(), small_company()
    land(platform, tmp_path / "skipping", skip=skip)
    land(all_of_it, tmp_path / "whole")
    left = [one for one in all_of_it.asked if not one.removeprefix("api/v2/").startswith(prefixes)]
    assert sorted(platform.asked) == sorted(left)
    assert len(left) < len(all_of_it.asked)


def test_never_more_than_so_many_requests_a_second(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    land(platform, tmp_path, requests_per_second=4)
    assert len(platform.at) > 20
    # The first one is for the token. By the loop's clock, which jumps; how long they are on their way varies.
    assert all(later - earlier > 0.2 for earlier, later in pairwise(platform.at))
    assert platform.at[-1] - platform.at[0] > 0.25 * (len(platform.at) - 1) - 0.05


def test_independent_lists_are_read_at_the_same_time(tmp_path: Path) -> None:
    platform = small_company()
    platform.latency_s = 1
    land(platform, tmp_path, requests_per_second=50)
    assert platform.most_in_flight >= 6


def test_a_long_list_does_not_wait_for_the_disk_alone(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    platform.lists["courses/stats"] = [attempt(number, ADA) for number in range(40)]
    assert len(list(land(platform, tmp_path).rows_of("courses"))) == 40


def test_a_next_page_on_another_host_is_not_asked_for(tmp_path: Path) -> None:
    """A token must not be carried away."""
    platform = small_company()

    def elsewhere(request: httpx.Request, met: int) -> httpx.Response:
        link = '<https://platform.test.evil.example/api/v2/users?cursor=2>; rel="next"'
        return httpx.Response(200, json=[], headers={"Link": link})

    platform.faults["/users"] = elsewhere
    with pytest.raises(SourceError, match="list users: the link to the next page points to another host"):
        land(platform, tmp_path)


def test_a_path_that_is_deleted_meanwhile_has_no_enrollments(tmp_path: Path) -> None:
    platform = small_company()
    del platform.lists[f"paths/{PATH}/enrollments"]
    found = landed(land(platform, tmp_path))
    assert found[f"enrollments/{PATH}/published"] == []


def test_a_subscription_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    platform = small_company()
    missing = httpx.Response(404, json={"error": {"code": "subscriptionNotFound", "message": "no"}})
    platform.faults["/webhooks/subscriptions"] = lambda request, met: missing
    with pytest.raises(SourceError) as raised:
        land(platform, tmp_path)
    assert str(raised.value) == NO_SUBSCRIPTION


def test_a_path_without_a_session_and_a_session_without_a_listed_path(tmp_path: Path) -> None:
    platform = FakePlatform(
        {
            "paths": [{"_id": "a1", "name": "No session", "options": {}, "steps": []}],
            "paths/sessions": [{"_id": "b1", "pathId": "a2", "name": "Of an archived path"}],
            "paths/a2/enrollments": [enrollment(1, ADA)],
        }
    )
    found = landed(land(platform, tmp_path))
    assert found["enrollments/a1/published"] == []
    assert [row["userId"] for row in found["enrollments/a2/published"]] == [ADA]
