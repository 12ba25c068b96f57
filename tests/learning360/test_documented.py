"""Bodies that are valid by the platform's fields table: nothing in them is unknown, rejected or left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.sources.base import EMPTY_WAREHOUSE, Extract
from flows.sources.learning360 import resources
from flows.sources.learning360.http_errors import Host
from flows.sources.learning360.page_content import rows_of, subscription_of
from flows.sources.learning360.resources import ListOf, ListRequest
from flows.sources.learning360.schema_drift import strange
from flows.staging import load
from flows.warehouse.warehouse import Warehouse
from schemas.inputs import model_of
from tests.helpers import documented_rows as documented_rows_module
from tests.helpers.extractions import AS_OF, source
from tests.helpers.fake_platform import FakePlatform
from tests.helpers.small_company import SUBSCRIPTION

HOST = Host("https://platform.test")


def address(kind: ListOf) -> str:
    return kind.path.replace("{owner}", "{}")


def documented_rows(kind: ListOf) -> list[dict[str, Any]]:
    return documented_rows_module.rows(documented_rows_module.endpoints()[address(kind)])


@pytest.mark.parametrize("kind", resources.LISTS, ids=lambda kind: kind.name)
def test_documented_field_is_never_unknown(kind: ListOf) -> None:
    rows = documented_rows(kind)
    assert len(rows) >= 2
    assert dict(strange(kind, rows)) == {}
    content = json.dumps(rows).encode()
    if kind is resources.SUBSCRIPTION:
        assert subscription_of(HOST, ListRequest(kind, "s"), json.dumps(rows[0]).encode())["_id"]
    else:
        assert rows_of(HOST, ListRequest(kind), 1, content) == rows


def test_event_of_the_webhook_has_no_unknown_field() -> None:
    """The payload as it is sent, also in a file of events."""
    event = {"type": "user.assessment.corrected", "timestamp": documented_rows_module.TIME, "data": {}}
    assert dict(strange(resources.CORRECTIONS, [event])) == {}


def a_documented_company() -> FakePlatform:
    """All documented rows of every list; rows that belong to an owner belong to the first one."""
    platform = FakePlatform(page_size=10_000)
    first = {"enrollments": "paths", "slots": "classrooms", "registrations": "classrooms"}
    for kind in resources.LISTS:
        rows, place = documented_rows(kind), address(kind).removeprefix("/api/v2/")
        if kind is resources.SUBSCRIPTION:
            platform.objects[place.format(SUBSCRIPTION)] = rows[0]
        elif kind.name in first:
            owner, *others = [row["_id"] for row in platform.lists[first[kind.name]]]
            platform.lists |= {place.format(owner): rows} | {place.format(it): [] for it in others}
        else:
            platform.lists[place.format(SUBSCRIPTION)] = rows
    return platform


def test_documented_row_is_never_rejected(tmp_path: Path) -> None:
    (tmp_path / "extracts").mkdir()
    items = source(a_documented_company()).extract(tmp_path / "extracts", AS_OF, EMPTY_WAREHOUSE)
    rejected, read = {}, 0
    with Warehouse.open() as connection:
        for item in items:
            if isinstance(item, Extract) and item.table != "child_sessions":
                counts = load.load(connection, model_of(item.table), item)
                read += counts.read
                if counts.rejected:
                    rejected[item.table] = counts.reasons
    assert rejected == {}
    assert read > 100
