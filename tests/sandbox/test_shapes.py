"""All answers have the shapes that the API's description lists: endpoint by endpoint, field by field."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.app import Sandbox
from sandbox.endpoints import ENDPOINTS
from sandbox.platform import Platform
from tests.helpers.documented_api import PAGE_SIZES
from tests.helpers.documented_fields import described, faults, places, places_of
from tests.helpers.large_world import ROWS
from tests.helpers.nested_worlds import world_of_families
from tests.helpers.one_company import of_one_company
from tests.helpers.random_worlds import World
from tests.helpers.random_worlds import world as random_world
from tests.helpers.sandbox_client import Client

every_endpoint = pytest.mark.parametrize("route", described())


def faults_of(client: Client, route: str) -> list[str]:
    return [
        it
        for document in client.documents(route)
        for it in faults(document, described()[route].document, route)
    ]


@every_endpoint
def test_documents_are_as_described(demo: Client, route: str) -> None:
    documents = demo.documents(route)
    assert documents
    assert [it for document in documents for it in faults(document, described()[route].document)] == []


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([world_of_families, random_world]))
def test_documents_of_any_company_are_as_described(
    seed: int, draw: Callable[[random.Random, int], World]
) -> None:
    tables, as_of = draw(random.Random(seed), 6)
    client = Client(Sandbox(Platform(of_one_company(tables), as_of), limit=0))
    assert [it for route in described() for it in faults_of(client, route)] == []


# The demo has no such columns.
NEVER = {"job", "organization", "primaryGroupId"}


@every_endpoint
def test_described_fields_are_there_somewhere(demo: Client, rare: Client, route: str) -> None:
    there = [places_of(document) for client in (demo, rare) for document in client.documents(route)]
    assert sorted(places(described()[route].document) - set().union(*there) - NEVER) == []


@pytest.mark.parametrize("route", PAGE_SIZES)
def test_pages_have_their_size_and_lead_to_all_rows(large: Client, route: str) -> None:
    pages = list(large.pages(large.routes(route)[0]))
    assert [len(page) for page in pages[:-1]] == [PAGE_SIZES[route]] * (len(pages) - 1)
    rows = [tuple(sorted(map(str, row.items()))) for page in pages for row in page]
    assert len(rows) == len(set(rows)) == ROWS[route]


def test_the_next_page_is_an_address_and_the_last_has_none(large: Client) -> None:
    first = large.get("users?status[eq]=active")
    url = first.links["next"]["url"]
    assert first.headers["link"] == f'<{url}>; rel="next"'
    assert url.startswith("http://127.0.0.1:8360/api/v2/users?next=")
    assert "link" not in large.get(url).headers


def test_only_described_endpoints_are_served(demo: Client) -> None:
    assert set(ENDPOINTS) == set(described())
    for route in ("programs", "users/x", "paths/x", "webhooks/subscriptions/x/y", "", "paths/sessions/stats"):
        assert demo.get(route).status_code == 404


def test_a_webhook_event_carries_the_message_that_was_sent(demo: Client) -> None:
    (subscription,) = (
        it["_id"] for it in demo.rows("webhooks/subscriptions?eventType[eq]=user.assessment.corrected")
    )
    payloads = [it["payload"] for it in demo.rows(f"webhooks/subscriptions/{subscription}/events")]
    assert {tuple(payload) for payload in payloads} == {("type", "timestamp", "data")}
    assert {payload["type"] for payload in payloads} == {"user.assessment.corrected"}
    facts = [payload["data"] for payload in payloads]
    optional = {"pathId", "sessionId", "enrollmentId", "score"}
    always = {"userId", "assessmentId", "name", "success", "correctedAt"}
    assert {name for fact in facts for name in fact} == always | optional
    assert all(always <= fact.keys() for fact in facts)
    assert all(isinstance(fact["success"], bool) for fact in facts)
    assert all(0 <= fact["score"] <= 100 for fact in facts if "score" in fact)


DOCUMENT = {
    "_id": "5" * 24,
    "status": "archived",
    "createdAt": "2026-03-01T00:00:00.000Z",
    "isSelfEnrolled": True,
    "sessionId": "6" * 24,
    "userId": "7" * 24,
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"userId": None}, ".userId: None is no string"),
        ({"userId": "U1"}, ".userId: 'U1' is no id"),
        ({"status": "gone"}, ".status: 'gone' is not a known value"),
        ({"createdAt": "2026-03-01T00:00:00Z"}, ".createdAt: '2026-03-01T00:00:00Z' is no time"),
        ({"isSelfEnrolled": 1}, ".isSelfEnrolled: 1 is no boolean"),
        ({"shoeSize": 41}, ".shoeSize: is not described"),
    ],
)
def test_a_document_with_one_fault_is_found_out(change: dict[str, object], fault: str | None) -> None:
    enrollment = described()["paths/{pathId}/enrollments"].document
    assert faults(DOCUMENT | change, enrollment) == ([fault] if fault else [])


def test_an_absent_field_and_a_step_of_no_variant_are_found_out() -> None:
    enrollment = described()["paths/{pathId}/enrollments"].document
    absent = {name: value for name, value in DOCUMENT.items() if name != "createdAt"}
    assert faults(absent, enrollment) == [".createdAt: is absent"]
    (path,) = described()["paths"].document.kinds.values()
    quiz = {"optional": False, "showCorrection": "never", "attemptsLimit": 1, "thresholds": []}
    step = {"_id": "5" * 24, "type": "course", "subtype": "quiz", "options": quiz}
    assert faults([step], path.fields["steps"]) == ["[].options.showForum: is absent"]
    whole = step | {"options": {**quiz, "showForum": "never"}}
    assert faults([whole] * 301, path.fields["steps"]) == [": has 301 items"]
    least = step | {"options": {**quiz, "showForum": "never", "minScore": 101}}
    assert len(faults([least], path.fields["steps"])) == 1
