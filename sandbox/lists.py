"""A list of the API: its documents, page size, scope and filters."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

Document = dict[str, Any]
# The prefix of a column with JSON text; the rest of its name is the key.
JSON = ":json"


def shown(rows: pl.DataFrame) -> list[Document]:
    """The rows as documents: times as text, objects in objects, no key without a value.

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
    """How one kind of list is served.

    filters:      the keys it can be filtered by.
    unless_asked: the one status that is listed where none is asked for; None lists all.
    is_one:       the answer is one document, not a list.
    """

    page_size: int
    scope: str
    filters: tuple[str, ...] = ()
    unless_asked: str | None = None
    is_one: bool = False


@dataclass(frozen=True)
class Listed:
    """A list of documents.

    rows:      columns are the documents' keys, `outer.inner` for one in an object, `name:json` for JSON text;
               keys that begin with `_` are not shown, except `_id`.
    documents: what becomes of a page's rows.
    derived:   columns for filters, computed only when they are asked for.
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
    """Numbers as JavaScript writes them: 2, not 2.0."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
