"""A list that the API serves: which documents, how many to a page, for which scope, filtered by what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

Document = dict[str, Any]


def shown(rows: pl.DataFrame) -> list[Document]:
    """The rows as documents: times as text, objects in objects, no key where there is no value.

    >>> shown(pl.DataFrame({"_id": ["a"], "name": [None], "status.type": ["late"], "_pathId": ["p"]}))
    [{'_id': 'a', 'status': {'type': 'late'}}]
    """
    hidden = [name for name in rows.columns if name.startswith("_") and name != "_id"]
    text = rows.drop(hidden).with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    return [_nested(row) for row in text.iter_rows(named=True)]


@dataclass(frozen=True)
class Listed:
    """A list of documents.

    rows:      columns are the documents' keys, `outer.inner` for one in an object; those that begin with `_`
               are not shown, but for `_id`.
    filters:   the keys it can be filtered by.
    unless_asked: the one status that is listed where none is asked for; null lists all.
    documents: what becomes of a page's rows.
    """

    rows: pl.DataFrame
    page_size: int
    scope: str
    filters: tuple[str, ...] = ()
    unless_asked: str | None = None
    documents: Callable[[pl.DataFrame], list[Document]] = shown


def _nested(row: dict[str, Any]) -> Document:
    document: Document = {}
    for name, value in row.items():
        if value is None:
            continue
        outer, _, inner = name.rpartition(".")
        place = document.setdefault(outer, {}) if outer else document
        place[inner] = _present(value)
    return document


def _present(value: Any) -> Any:
    """Without the keys that have no value."""
    if isinstance(value, dict):
        return {name: _present(inner) for name, inner in value.items() if inner is not None}
    return [_present(inner) for inner in value] if isinstance(value, list) else value
