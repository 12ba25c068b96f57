"""The lists of the API: their documents, page size, scope and filters."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

Document = dict[str, Any]
# The suffix of a column with JSON text; the rest of its name is the key.
JSON = ":json"


def shown(rows: pl.DataFrame) -> list[Document]:
    """The rows as documents: times as text, nested objects, no key for null.

    >>> shown(pl.DataFrame({"_id": ["a"], "name": [None], "status.type": ["late"], "_pathId": ["p"]}))
    [{'_id': 'a', 'status': {'type': 'late'}}]
    >>> shown(pl.DataFrame({"_id": ["a"], "steps:json": ["[]"]}))
    [{'_id': 'a', 'steps': []}]
    """
    hidden = [name for name in rows.columns if name.startswith("_") and name != "_id"]
    text = rows.drop(hidden).with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    return [_nested(row) for row in text.iter_rows(named=True)]


@dataclass(frozen=True)
class Endpoint:
    """The settings of one endpoint.

    filters:        the keys to filter by.
    default_status: the status that is listed without a status filter; None lists all.
    is_one:         whether the response is one document instead of a list.
    """

    page_size: int
    scope: str
    filters: tuple[str, ...] = ()
    default_status: str | None = None
    is_one: bool = False


@dataclass(frozen=True)
class Listed:
    """A list of documents.

    rows:      columns are the documents' keys: `outer.inner` for a key of an object, `name:json` for JSON
               text; columns that begin with `_` are hidden, except `_id`.
    documents: converts a page's rows to documents.
    derived:   columns for filters, computed only for requests that filter by them.
    """

    endpoint: Endpoint
    rows: pl.DataFrame
    documents: Callable[[pl.DataFrame], list[Document]] = shown
    derived: Mapping[str, Callable[[pl.DataFrame], pl.Series]] = field(default_factory=dict)


def _nested(row: dict[str, Any]) -> Document:
    document: Document = {}
    for name, value in row.items():
        if value is None:
            continue
        if name.endswith(JSON):
            document[name.removesuffix(JSON)] = _plain(json.loads(value))
            continue
        outer, _, inner = name.rpartition(".")
        place = document.setdefault(outer, {}) if outer else document
        place[inner] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    """The value with numbers as JavaScript writes them: 2, not 2.0."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
