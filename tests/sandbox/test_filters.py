"""Filters in brackets: every described one with every operator is answered, or rejected with 400."""

from dataclasses import replace
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from sandbox.errors import Rejected
from sandbox.list_queries import ListQuery
from sandbox.platform import Platform
from tests.helpers.documented_api import OF_ONE
from tests.helpers.documented_fields import described
from tests.helpers.sandbox_client import Client

OPERATORS = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "exists", "regex", "")
ID = "0" * 24
VALUES = (
    "2026-01-01T00:00:00.000Z",
    ID,
    "published",
    "true",
    "native",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "-1",
    "NaN",
    "",
    "%00",
    "%ff",
    "%F0%9F%98%80",
    "[object Object]",
)
STRANGE = ("shoeSize", "next", "_id", "status.type", "a[b][c][d]", "[eq]", "_pathId")
every_endpoint = pytest.mark.parametrize("pattern", described())


def is_date(name: str) -> bool:
    return name.endswith(("At", "Date"))


@every_endpoint
def test_any_filter_with_any_operator_is_answered_or_rejected(
    demo: Client, demo_platform: Platform, pattern: str
) -> None:
    listed = demo_platform.list_at(demo.routes(pattern)[0])
    listed = replace(listed, rows=listed.rows.head(20))
    names = (*described()[pattern].filters, *STRANGE)
    for name, operator, value, index in product(names, OPERATORS, VALUES, ("", "[0]")):
        brackets = f"[{operator}]" if operator else ""
        query = f"{name}{brackets}{index}={value}"
        try:
            rows = ListQuery.of(parse_qsl(query, keep_blank_values=True)).rows(listed)
            status = 200
        except Rejected as error:
            rows, status = listed.rows, error.status
        assert status == 400 or (status == 200 and name not in STRANGE), query
        assert rows.columns == listed.rows.columns


def test_a_rejected_filter_is_reported_in_the_shape_of_an_error(demo: Client) -> None:
    for query in ("shoeSize[eq]=41", "createdAt[gte]=yesterday", "modifiedAt[regex]=2026-01-01"):
        answer = demo.get(f"paths?{query}")
        assert answer.status_code == 400
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"code", "message"}


@every_endpoint
def test_the_described_filters_are_known_and_no_others(demo: Client, pattern: str) -> None:
    route, filters = demo.routes(pattern)[0], described()[pattern].filters
    for name in filters:
        value = "2026-01-01T00:00:00.000Z" if is_date(name) else ID
        value = "true" if name == "collaborativeLearning" else value
        operators = ("gt", "gte", "lt", "lte") if is_date(name) else ("eq", "ne", "in", "nin")
        for operator in operators:
            assert demo.get(f"{route}?{name}[{operator}]={value}").status_code == 200
    for name in {"modifiedAt", "completedAt", "sessionId", "name", "_id"} - set(filters):
        answer = demo.get(f"{route}?{name}[eq]=2026-01-01")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidParameter")


def value_of(document: dict[str, Any], name: str) -> Any:
    """The values of a document for a filter. Sessions and results have their own id under another name."""
    return document["_id"] if name == "sessionId" and "startDate" in document else document.get(name)


@every_endpoint
def test_filters_select_the_rows_that_have_the_value(demo: Client, pattern: str) -> None:
    """Dates apart; and the `status` of `paths/stats` is another one than its filter's."""
    if pattern in OF_ONE:
        return
    archived = {"paths/{pathId}/enrollments", "paths/stats"}
    both = "status[in][0]=published&status[in][1]=archived&" if pattern in archived else ""
    names = [name for name in described()[pattern].filters if not is_date(name)]
    names = [name for name in names if (pattern, name) != ("paths/stats", "status")]
    for route in demo.routes(pattern)[:3]:
        rows = demo.rows(f"{route}?{both}"[:-1])
        for name in names:
            found = sorted({value_of(row, name) for row in rows if isinstance(value_of(row, name), str)})
            for value in found[:2]:
                selected = demo.rows(f"{route}?{both}{name}[eq]={quote(value)}")
                others = demo.rows(f"{route}?{both}{name}[ne]={quote(value)}")
                assert {value_of(row, name) for row in selected} == {value}
                assert value not in {value_of(row, name) for row in others}
                assert len(selected) + len(others) == len(rows)
            two = "&".join(f"{name}[in][{place}]={quote(value)}" for place, value in enumerate(found[:2]))
            if two:
                assert {value_of(row, name) for row in demo.rows(f"{route}?{both}{two}")} == set(found[:2])
                rest = demo.rows(f"{route}?{both}{two.replace('[in]', '[nin]')}")
                assert not {value_of(row, name) for row in rest} & set(found[:2])


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("courses/stats", "completedAt"),
        ("paths/stats", "completedAt"),
        ("paths/sessions", "startDate"),
        ("webhooks/subscriptions/5ab000000000000000000001/events", "createdAt"),
    ],
)
def test_dates_are_compared_without_milliseconds(demo: Client, route: str, name: str) -> None:
    times = sorted(row[name] for row in demo.rows(route) if name in row)
    second = times[len(times) // 2][:19]

    def found(operator: str) -> list[str]:
        return sorted(row[name] for row in demo.rows(f"{route}?{name}[{operator}]={second}.999Z"))

    assert found("gte") == [it for it in times if it[:19] >= second]
    assert found("gt") == [it for it in times if it[:19] > second]
    assert found("lte") == [it for it in times if it[:19] <= second]
    assert found("lt") == [it for it in times if it[:19] < second]
    assert found("eq") == [it for it in times if it[:19] == second]


def test_brackets_may_be_encoded(demo: Client) -> None:
    plain = demo.rows("courses/stats?completedAt[gte]=2026-02-01T00:00:00.000Z")
    encoded = demo.rows("courses/stats?completedAt%5Bgte%5D=2026-02-01T00%3A00%3A00.000Z")
    assert plain == encoded != []


def test_enrollments_are_those_published_unless_asked(demo: Client) -> None:
    routes = demo.routes("paths/{pathId}/enrollments")

    def rows(query: str) -> list[dict[str, str]]:
        return [row for route in routes for row in demo.rows(route + query)]

    published, archived = rows("?status[eq]=published"), rows("?status[eq]=archived")
    assert rows("") == published == rows("?status[ne]=archived")
    assert not any("archivedAt" in row for row in published)
    assert all("archivedAt" in row for row in archived)
    both = rows("?status[in][0]=published&status[in][1]=archived")
    assert sorted(row["_id"] for row in both) == sorted(row["_id"] for row in published + archived)


def test_filters_apply_to_the_pages_that_follow(large: Client) -> None:
    late = large.rows("paths/sessions?startDate[gte]=2026-01-01T01:00:00.000Z")
    assert len(late) == 500
    path = large.rows("paths")[0]["_id"]
    assert large.rows(f"paths/{path}/enrollments?createdAt[gt]=2026-01-01") == []


def test_more_than_20_values_are_rejected(demo: Client) -> None:
    def ask(count: int) -> int:
        query = "&".join(f"courseId[in][{number}]={number:024x}" for number in range(count))
        return demo.get(f"courses/stats?{query}").status_code

    assert [ask(20), ask(21)] == [200, 400]


@pytest.mark.parametrize("cursor", ["zzz", "%FF", "W10=", "W1tdLC0xXQ==", "W1tdLDFlOTldCg==", "W1tdLCJ4Il0="])
def test_a_cursor_that_was_not_given_out(demo: Client, cursor: str) -> None:
    answer = demo.get(f"users?next={cursor}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidCursor")
