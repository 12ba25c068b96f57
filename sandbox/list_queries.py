"""Parse a list request: filters in brackets, and the cursor of the next page."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import polars as pl

from sandbox.errors import Rejected, rejected
from sandbox.lists import Listed

# A name, its operator, and the index of one of several values.
_PARAMETER = re.compile(r"(\w+)(?:\[(\w+)\](\[\d*\])?)?")
_COMPARED: dict[str, Callable[[pl.Expr, datetime], pl.Expr]] = {
    "gte": lambda it, date: it >= date,
    "gt": lambda it, date: it > date,
    "lte": lambda it, date: it <= date,
    "lt": lambda it, date: it < date,
}
_ONE, _SEVERAL = ("eq", "ne"), ("in", "nin")
_ID = re.compile("[0-9a-fA-F]{24}")
# Node's query parser turns a list with indexes above 20 into an object.
MOST_VALUES = 20


@dataclass(frozen=True)
class ListQuery:
    """The filters and the first row of a list request.

    parameters: the names and values of the query, without the cursor.
    """

    parameters: tuple[tuple[str, str], ...]
    offset: int = 0

    @classmethod
    def of(cls, parameters: list[tuple[str, str]]) -> Self:
        """The query of these parameters; a cursor contains all of its own.

        Raises: Rejected if the cursor is invalid.
        """
        for name, value in parameters:
            if name == "next":
                return cls._of_cursor(value)
        return cls(tuple(parameters))

    @classmethod
    def _of_cursor(cls, cursor: str) -> Self:
        try:
            parameters, offset = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            if not isinstance(offset, int) or not 0 <= offset < 2**31:
                raise ValueError
            return cls(tuple((str(name), str(value)) for name, value in parameters), offset)
        except (binascii.Error, ValueError, TypeError, RecursionError) as error:
            raise rejected(400, "invalidCursor", "The cursor `next` is not one of this list's.") from error

    def cursor(self, offset: int) -> str:
        """The cursor of the same query from another row on."""
        return base64.urlsafe_b64encode(json.dumps([self.parameters, offset]).encode()).decode()

    def rows(self, listed: Listed) -> pl.DataFrame:
        """All rows that pass the filters, of all pages.

        Raises: Rejected if the list has no such filter, or its operator or value is invalid.
        """
        endpoint, rows = listed.endpoint, listed.rows
        filters = self._filters(endpoint.filters)
        if endpoint.default_status and not any(name == "status" for name, _ in filters):
            filters["status", "eq"] = [endpoint.default_status]
        # Derived columns come last, so they are computed only for the remaining rows.
        for (name, operator), values in sorted(filters.items(), key=lambda it: it[0][0] in listed.derived):
            if name in listed.derived:
                rows = rows.with_columns(listed.derived[name](rows).alias(name))
            column = name if name in rows.columns else f"_{name}"
            rows = rows.filter(_test(column, rows.schema[column], name, operator, values))
        return rows.drop(listed.derived, strict=False)

    def _filters(self, known: tuple[str, ...]) -> dict[tuple[str, str], list[str]]:
        """The values of each filter and operator."""
        filters: dict[tuple[str, str], list[str]] = {}
        for parameter, value in self.parameters:
            found = _PARAMETER.fullmatch(parameter)
            name, operator, index = found.groups() if found else (parameter, None, None)
            if found is None or name not in known:
                raise _invalid(f"Filter {parameter} is unknown here.")
            operator = operator or "eq"
            values = filters.setdefault((name, operator), [])
            values.append(value)
            if operator not in _SEVERAL and (index is not None or len(values) > 1):
                raise _invalid(f"Filter {name}[{operator}] takes one value.")
            if len(values) > MOST_VALUES:
                raise _invalid(f"Filter {name}[{operator}] takes at most {MOST_VALUES} values.")
        return filters


def _test(column: str, type: pl.DataType, name: str, operator: str, values: list[str]) -> pl.Expr:
    tested = pl.col(column)
    if type.is_temporal():
        tested = tested.dt.truncate("1s")
        dates = [_date(name, value) for value in values]
        if operator in _COMPARED:
            return _COMPARED[operator](tested, dates[0])
        matches = tested.is_in(pl.Series(dates, dtype=type).implode())
    elif type == pl.Boolean:
        matches = tested.is_in([_boolean(name, value) for value in values])
    else:
        for value in values:
            if name.endswith(("Id", "Ids")) and not _ID.fullmatch(value):
                raise _invalid(f"Filter {name} needs ids of 24 hexadecimal digits.")
        is_list = type == pl.List(pl.String)
        matches = tested.list.set_intersection(values).list.len() > 0 if is_list else tested.is_in(values)
    if operator not in (*_ONE, *_SEVERAL):
        raise _invalid(f"Filter {name} does not support [{operator}].")
    matches = matches.fill_null(False)
    return matches if operator in ("eq", "in") else ~matches


def _date(name: str, text: str) -> datetime:
    """The date in whole seconds: the platform's filters ignore milliseconds."""
    try:
        date = datetime.fromisoformat(text)
        date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _invalid(f"Filter {name} needs a date.") from error
    return date.replace(microsecond=0)


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _invalid(f"Filter {name} needs true or false.")
    return text == "true"


def _invalid(message: str) -> Rejected:
    return rejected(400, "invalidParameter", message)
