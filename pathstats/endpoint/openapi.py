"""Parts of the OpenAPI description that FastAPI can't derive."""

from typing import Any

from pathstats.endpoint.response_models import Error

Responses = dict[int | str, dict[str, Any]]

# A company and its key, both in the query or both in the headers.
SECURITY: list[dict[str, list[str]]] = [{"company": [], "apiKey": []}, {"X-company-id": [], "X-apiKey": []}]
_OF_THE_RELEASE = {
    "ETag": "Of the release.",
    "Last-Modified": "When the release was made.",
    "Consistent-Through": "The instant its data are for, ISO 8601.",
}


def responses(answer: dict[str, Any], not_found: str) -> Responses:
    """Of a route that answers from a release."""
    headers = {
        name: {"description": words, "schema": {"type": "string"}} for name, words in _OF_THE_RELEASE.items()
    }
    return {
        200: {**answer, "headers": headers},
        304: {"description": "The earlier response is still valid.", "headers": headers},
        401: {"model": Error, "description": "`unauthorized`"},
        404: {"model": Error, "description": not_found},
        503: UNAVAILABLE,
        "default": OTHERWISE,
    }


def responses_made_anew(answer: dict[str, Any], not_found: str) -> Responses:
    """Of a route that makes its answer for each request: there is nothing to ask about again."""
    described = responses(answer, not_found)
    consistent = {"Consistent-Through": described[200]["headers"]["Consistent-Through"]}
    del described[304]
    return {**described, 200: {**answer, "headers": consistent}}


COMPANY_MISSING: dict[str, Any] = {"model": Error, "description": "`company_missing` where there are several"}
OTHERWISE: dict[str, Any] = {"model": Error, "description": "`method_not_allowed` and the like"}
UNAVAILABLE: dict[str, Any] = {
    "model": Error,
    "description": "`no_release` until a run has published, `unavailable` while it can't be read",
}
