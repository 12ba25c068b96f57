"""What a request asks of a list: filters in brackets, and the cursor of the page that comes next."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import polars as pl

from flows.sandbox.errors import refused
from flows.sandbox.lists import Listed

_PARAMETER = re.compile(r"(\w+)(?:\[(\w+)\](?:\[\d*\])?)?")
_COMPARED: dict[str, Callable[[pl.Expr, datetime], pl.Expr]] = {
    "gte": lambda it, date: it >= date,
    "gt": lambda it, date: it > date,
    "lte": lambda it, date: it <= date,
    "lt": lambda it, date: it < date,
}


@dataclass(frozen=True)
class Asked:
    """Which rows of a list are asked for, from which on.

    parameters: the query's names and values, without the cursor.
    """

    parameters: tuple[tuple[str, str], ...]
    offset: int = 0

    @classmethod
    def of(cls, parameters: list[tuple[str, str]]) -> Self:
        """What the query says; a cursor says all of it.

        Raises: Refused if the cursor is none that was given out.
        """
        for name, value in parameters:
            if name == "next":
                return cls._behind(value)
        return cls(tuple(parameters))

    @classmethod
    def _behind(cls, cursor: str) -> Self:
        try:
            asked, offset = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            return cls(tuple((str(name), str(value)) for name, value in asked), int(offset))
        except (binascii.Error, ValueError, TypeError) as error:
            raise refused(400, "invalidCursor", "The cursor `next` is not one of this list's.") from error

    def cursor(self, offset: int) -> str:
        """The same, from another row on."""
        return base64.urlsafe_b64encode(json.dumps([self.parameters, offset]).encode()).decode()

    def rows(self, listed: Listed) -> pl.DataFrame:
        """All rows that are asked for, on whichever page.

        Raises: Refused if the list has no such filter, or the value is none.
        """
        wanted: dict[tuple[str, str], list[str]] = {}
        for parameter, value in self.parameters:
            found = _PARAMETER.fullmatch(parameter)
            name, operator = found.groups() if found else (parameter, None)
            if name not in listed.filters:
                raise refused(400, "invalidParameter", f"There is no filter {parameter} here.")
            wanted.setdefault((name, operator or "eq"), []).append(value)
        if listed.unless_asked and not any(name == "status" for name, _ in wanted):
            wanted["status", "eq"] = [listed.unless_asked]
        tests = [_test(listed, name, operator, values) for (name, operator), values in wanted.items()]
        return listed.rows.filter(*tests) if tests else listed.rows


def _test(listed: Listed, name: str, operator: str, values: list[str]) -> pl.Expr:
    if operator in ("eq", "in") and listed.rows.schema[name] == pl.String:
        return pl.col(name).is_in(values)
    if operator not in _COMPARED or not listed.rows.schema[name].is_temporal():
        raise refused(400, "invalidParameter", f"Filter {name} knows no [{operator}].")
    try:
        date = datetime.fromisoformat(values[0])
    except ValueError as error:
        raise refused(400, "invalidParameter", f"Filter {name} needs a date.") from error
    whole_second = (date if date.tzinfo else date.replace(tzinfo=UTC)).replace(microsecond=0)
    return _COMPARED[operator](pl.col(name).dt.truncate("1s"), whole_second)
