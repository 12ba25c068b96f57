"""Validate a page and return its rows."""

import json
from typing import Any

from flows.sources.learning360.http_errors import Host
from flows.sources.learning360.resources import ListRequest

Row = dict[str, Any]


def rows_of(host: Host, wanted: ListRequest, number: int, content: bytes) -> list[Row]:
    """The rows of a list's page.

    Raises: SourceError, naming the list, the page and the field, if the page has an unexpected form.
    """
    try:
        rows = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise host.not_json(f"the list {wanted.name}, page {number},") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise host.unexpected(wanted.name, number, "it is not a list of objects")
    for field, kind in wanted.of.required.items():
        if not all(isinstance(row.get(field), kind) for row in rows):
            fault = f"the field {field} is missing or not {_KINDS[kind]}"
            raise host.unexpected(wanted.name, number, fault)
    return rows


def subscription_of(host: Host, wanted: ListRequest, content: bytes) -> Row:
    """The webhook subscription's id, event type and status.

    Raises: SourceError if the response is not an object.
    """
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise host.not_json(wanted.name) from None
    if not isinstance(found, dict):
        raise host.unexpected(wanted.name, 1, "it is not an object")
    return {name: found[name] for name in ("_id", "eventType", "status") if isinstance(found.get(name), str)}


_KINDS: dict[type, str] = {str: "a text", dict: "an object", list: "a list"}


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
