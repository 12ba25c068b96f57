"""The endpoint is as it describes itself: Schemathesis asks what that allows, and what it doesn't."""

from collections import Counter

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from tests.helpers.server_process import Headers, Server

_A_FEW = hypothesis.settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_THERE = {"sessionId": ["S", "empty", "Z", "users"], "userEmailOrId": ["u1", "u2", "u3", "u4", "z1", "users"]}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_responses_match_the_openapi_document(server: Server, acme: Headers, mode: GenerationMode) -> None:
    """Statuses, bodies, headers and methods; also with ids that are there, which chance would not find."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    statuses: Counter[int] = Counter()
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.path_parameters:
            continue  # There is nothing in it to be wrong.

        @_A_FEW
        @hypothesis.given(operation.as_strategy(generation_mode=mode), st.booleans(), st.data())
        def ask(case: Case, is_there: bool, data: st.DataObject) -> None:
            if is_there:
                for name in case.path_parameters:
                    case.path_parameters[name] = data.draw(st.sampled_from(_THERE[name]))
            answer = case.call_and_validate(headers=acme)
            statuses[answer.status_code] += 1

        ask()
    assert {200, 404} <= set(statuses)
    assert not [status for status in statuses if status >= 500]


def test_keys_are_described_as_pairs(server: Server) -> None:
    described = server.client.get("/openapi.json").json()
    pairs = [{"company": [], "apiKey": []}, {"X-company-id": [], "X-apiKey": []}]
    assert described["paths"]["/api/v1/paths/sessions/{sessionId}/stats"]["get"]["security"] == pairs
    schemes = described["components"]["securitySchemes"]
    assert {name: (it["in"], it["name"]) for name, it in schemes.items() if it["type"] == "apiKey"} == {
        "company": ("query", "company"),
        "apiKey": ("query", "apiKey"),
        "X-company-id": ("header", "X-company-id"),
        "X-apiKey": ("header", "X-apiKey"),
    }


def test_openapi_document_has_no_unused_response(server: Server) -> None:
    """FastAPI would add its own 422."""
    for path in server.client.get("/openapi.json").json()["paths"].values():
        assert set(path) == {"get"}
        assert set(path["get"]["responses"]) <= {"200", "304", "400", "401", "404", "503", "default"}
