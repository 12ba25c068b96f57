"""Rows that the platform's fields table allows: all fields, required ones only, each variant, each value."""

import re
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.helpers.fake_platform import hex_id

TABLE = Path(__file__).parents[3] / "shared" / "360LEARNING-FIELDS.md"
TIME = "2026-03-02T09:00:00.000Z"
_LINE = re.compile(
    r"- (?P<place>\S+) · (?P<type>\w+)(?P<required>\*?)(?: \((?P<of>\w+)\))?(?: \{(?P<rest>.*)\})?"
)
_ids = count(0xF000)


@dataclass
class Field:
    """A field of the table; an object's fields and a list's items by name and number of the variant."""

    type: str = "object"
    is_required: bool = False
    of: str | None = None
    values: list[str] = field(default_factory=list)
    minimum: float = 0
    maximum: float = 1000
    inner: dict[str, dict[str, "Field"]] = field(default_factory=dict)


def endpoints() -> dict[str, Field]:
    """The rows of each GET endpoint, by its address without the names of its parameters."""
    sections = re.split(r"^## GET ", TABLE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {re.sub(r"\{\w+\}", "{}", section.split()[0]): _row(section) for section in sections}


def _row(section: str) -> Field:
    row = Field()
    for line in section.splitlines():
        if line.startswith("- "):
            found = _LINE.fullmatch(line)
            assert found, f"no field: {line}"
            _put(row, found["place"].split("."), _field(found))
    return row


def _field(found: re.Match[str]) -> Field:
    rest = found["rest"] or ""
    made = Field(found["type"], bool(found["required"]), found["of"])
    if enum := re.search(r"enum: \[(.*)\]", rest):
        made.values = enum[1].split(", ")
    for bound in ("minimum", "maximum"):
        if number := re.search(rf"{bound}: ([\d.]+)", rest):
            setattr(made, bound, float(number[1]))
    return made


def _put(row: Field, places: list[str], made: Field) -> None:
    for place in places[:-1]:
        row = _at(row, place)
    name, _, variant = places[-1].partition("|")
    if name.endswith("[]"):
        row, name = next(iter(row.inner[name.removesuffix("[]")].values())), "[]"
    row.inner.setdefault(name, {})[variant] = made


def _at(row: Field, place: str) -> Field:
    name, _, variant = place.partition("|")
    if name.endswith("[]"):
        items = next(iter(row.inner[name.removesuffix("[]")].values()))
        return items.inner["[]"][variant]
    return row.inner[name][variant]


def rows(of: Field) -> list[dict[str, Any]]:
    """Rows with all fields and rows with the required ones, until each value of each field has come."""
    return [*_values(of, is_whole=True), *_values(of, is_whole=False)]


def _values(of: Field, *, is_whole: bool) -> list[Any]:
    if of.type == "object":
        return _objects(of, is_whole=is_whole)
    if of.type == "list":
        variants = of.inner.get("[]", {}).values()
        items = [value for item in variants for value in _values(item, is_whole=is_whole)]
        return [items] if is_whole else [items, []]
    return _scalars(of)


def _objects(of: Field, *, is_whole: bool) -> list[Any]:
    choices: dict[str, list[Any]] = {}
    for name, variants in of.inner.items():
        if is_whole or all(it.is_required for it in variants.values()):
            choices[name] = [value for it in variants.values() for value in _values(it, is_whole=is_whole)]
    # As many objects as the field with the most values has, of the others the values come again.
    number = max(map(len, choices.values()), default=1)
    made = [{name: values[n % len(values)] for name, values in choices.items()} for n in range(number)]
    return [row | {"_id": hex_id(next(_ids))} if "_id" in row else row for row in made]


def _scalars(of: Field) -> list[Any]:
    if of.values:
        return list(of.values)
    if of.type == "boolean":
        return [True, False]
    if of.type == "integer":
        return [int(of.minimum), int(of.maximum)]
    if of.type == "number":
        return [max(of.minimum, 0.01), min(of.minimum + 1.5, of.maximum), int(of.maximum)]
    return {"id": [hex_id(next(_ids))], "time": [TIME]}.get(of.of or "", ["", "some text"])
