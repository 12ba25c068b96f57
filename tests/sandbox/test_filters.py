"""Filters in brackets: dates without their milliseconds, statuses, lists of ids."""

import pytest

from tests.sandbox.a_client import Client
from tests.sandbox.the_api import ENDPOINTS, Endpoint


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda it: it.route)
def test_every_described_filter_is_known_and_no_other(demo: Client, endpoint: Endpoint) -> None:
    route = demo.routes(endpoint.route)[0]
    for name in endpoint.filters:
        value = "2026-01-01T00:00:00.000Z" if name.endswith(("At", "Date")) else "published"
        operator = "gte" if name.endswith(("At", "Date")) else "in"
        assert demo.get(f"{route}?{name}[{operator}][0]={value}").status_code == 200
    for name in {"modifiedAt", "completedAt", "name"} - set(endpoint.filters):
        answer = demo.get(f"{route}?{name}[gte]=2026-01-01")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidParameter")


def test_dates_are_compared_without_milliseconds(demo: Client) -> None:
    times = sorted(row["completedAt"] for row in demo.rows("courses/stats") if "completedAt" in row)
    middle = next(it for it in times[len(times) // 2 :] if not it.endswith(".000Z"))
    second = middle[:19]
    later = f"{second}.999Z"

    def found(operator: str) -> set[str]:
        return {row["completedAt"] for row in demo.rows(f"courses/stats?completedAt[{operator}]={later}")}

    assert found("gte") == {it for it in times if it[:19] >= second}
    assert found("gt") == {it for it in times if it[:19] > second}
    assert found("lte") == {it for it in times if it[:19] <= second}
    assert found("lt") == {it for it in times if it[:19] < second}


def test_enrolments_are_those_published_unless_asked(demo: Client) -> None:
    routes = demo.routes("paths/{path}/enrollments")

    def rows(query: str) -> list[dict[str, str]]:
        return [row for route in routes for row in demo.rows(route + query)]

    published, archived = rows("?status[eq]=published"), rows("?status[eq]=archived")
    assert rows("") == published
    assert not any("archivedAt" in row for row in published)
    assert all("archivedAt" in row for row in archived)
    both = rows("?status[in][0]=published&status[in][1]=archived")
    assert sorted(row["_id"] for row in both) == sorted(row["_id"] for row in published + archived)


def test_filters_hold_on_the_pages_that_follow(large: Client) -> None:
    late = large.rows("paths/sessions?startDate[gte]=2026-01-01T01:00:00.000Z")
    assert len(late) == 500
    path = large.rows("paths")[0]["_id"]
    assert large.rows(f"paths/{path}/enrollments?createdAt[gt]=2026-01-01") == []


def test_several_ids(demo: Client) -> None:
    courses = sorted({row["courseId"] for row in demo.rows("courses/stats")})[:2]
    rows = demo.rows(f"courses/stats?courseId[in][0]={courses[0]}&courseId[in][1]={courses[1]}")
    assert {row["courseId"] for row in rows} == set(courses)
