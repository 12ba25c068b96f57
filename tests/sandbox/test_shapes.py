"""What is served has the shapes of the API's description, endpoint by endpoint, field by field."""

import pytest

from tests.sandbox.a_client import Client
from tests.sandbox.a_large_world import ROWS
from tests.sandbox.the_api import ENDPOINTS, STEP_OPTIONS, Endpoint, faults

# What the demo's platform has not.
NEVER = {"certificateId", "rootSessionId"}
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda it: it.route)


@every_endpoint
def test_documents_are_as_described(demo: Client, endpoint: Endpoint) -> None:
    both = "?status[in][0]=published&status[in][1]=archived" if endpoint.route.startswith("paths/") else ""
    both = both if "status" in endpoint.filters else ""
    rows = [row for route in demo.routes(endpoint.route) for row in demo.rows(route + both)]
    assert rows
    assert [fault for row in rows for fault in faults(row, endpoint.fields, endpoint.route)] == []
    # Every key is there somewhere.
    assert {name.rstrip("?") for name in endpoint.fields} - {it for row in rows for it in row} <= NEVER


def test_a_step_has_the_options_of_its_type(demo: Client) -> None:
    steps = [step for path in demo.rows("paths") for step in path["steps"]]
    found = [
        fault
        for step in steps
        for fault in faults(step.get("options", {}), STEP_OPTIONS[step["type"]], step["type"])
    ]
    assert found == []
    assert {step["type"] for step in steps} == set(STEP_OPTIONS)
    options = {name for step in steps for name in step.get("options", {})}
    assert options >= {"relativeDate", "timeLimit", "minScore", "attemptsLimit", "isExamination"}


@every_endpoint
def test_pages_have_their_size_and_lead_to_all_rows(large: Client, endpoint: Endpoint) -> None:
    pages = list(large.pages(large.routes(endpoint.route)[0]))
    assert [len(page) for page in pages[:-1]] == [endpoint.page_size] * (len(pages) - 1)
    rows = [tuple(sorted(map(str, row.items()))) for page in pages for row in page]
    assert len(rows) == len(set(rows)) == ROWS[endpoint.route]


def test_the_next_page_is_an_address_and_the_last_has_none(large: Client) -> None:
    first = large.get("users?status[eq]=active")
    url = first.links["next"]["url"]
    assert first.headers["link"] == f'<{url}>; rel="next"'
    assert url.startswith("http://127.0.0.1:8360/api/v2/users?next=")
    assert "link" not in large.get(url).headers


def test_a_cursor_that_was_not_given_out(large: Client) -> None:
    answer = large.get("users?next=zzz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidCursor")
