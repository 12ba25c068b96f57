"""The fields of the API as its description lists them, read when the tests run, to compare documents with."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_DESCRIPTION = Path(__file__).parents[3] / "shared" / "360LEARNING-FIELDS.md"
_ENDPOINT = re.compile(r"## GET /api/v2/(\S+)")
_FIELD = re.compile(
    r"- (?P<path>\S+) · (?P<type>\w+)(?P<required>\*)?(?: \((?P<form>id|time)\))?(?: \{(?P<limits>.*)\})?"
)
_PART = re.compile(r"(?P<name>\w*)(?P<items>\[\])?(?:\|(?P<variant>\d))?")
_FORMS = {
    "id": re.compile(r"[0-9a-f]{24}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "language code": re.compile(r"[a-z]{2}(-[A-Z]{2})?"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
}


@dataclass
class Kind:
    """One form that a value may have."""

    type: str = "object"
    required: bool = False
    form: str | None = None
    values: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    most_items: int | None = None
    fields: "dict[str, Value]" = field(default_factory=dict)
    items: "Value | None" = None


@dataclass
class Value:
    """The forms that a value may have, by the number of the variant; most have one."""

    kinds: dict[str, Kind] = field(default_factory=dict)

    @property
    def required(self) -> bool:
        return any(kind.required for kind in self.kinds.values())


@dataclass
class Description:
    """The fields of an endpoint's response, and its filters."""

    filters: tuple[str, ...] = ()
    document: Value = field(default_factory=Value)


@cache
def described() -> dict[str, Description]:
    """Each endpoint that is described, by its route below `/api/v2/`."""
    found: dict[str, Description] = {}
    for line in _DESCRIPTION.read_text("utf-8").splitlines():
        if endpoint := _ENDPOINT.fullmatch(line):
            found[endpoint[1]] = description = Description()
        elif line.startswith("filters: "):
            names = line.removeprefix("filters: ")
            description.filters = () if names == "none" else tuple(names.split(", "))
        elif line.startswith("- "):
            _add(description.document, line)
    return found


def _add(document: Value, line: str) -> None:
    """Note the field of a line."""
    parsed = _FIELD.fullmatch(line)
    assert parsed, f"not understood: {line}"
    parts = [part for part in map(_PART.fullmatch, parsed["path"].split(".")) if part]
    kind = document.kinds.setdefault(parts[0]["variant"], Kind()) if not parts[0]["name"] else None
    for part in parts[1:] if kind else parts:
        kind = kind or document.kinds.setdefault("", Kind())
        value = kind.fields.setdefault(part["name"], Value())
        if part["items"]:
            of_list = value.kinds.setdefault("", Kind())
            value = of_list.items = of_list.items or Value()
        kind = value.kinds.setdefault(part["variant"] or "", Kind())
    assert kind
    kind.type, kind.required, kind.form = parsed["type"], bool(parsed["required"]), parsed["form"]
    limits = parsed["limits"] or ""
    if limits == "language code":
        kind.form = limits
    elif limits.startswith("enum: ["):
        kind.values = tuple(limits.removeprefix("enum: [").removesuffix("]").split(", "))
    else:
        bounds = dict(limit.split(": ") for limit in limits.split(", ") if limit)
        kind.least, kind.most = (
            float(bounds[name]) if name in bounds else None for name in ("minimum", "maximum")
        )
        kind.most_items = int(bounds["maxItems"]) if "maxItems" in bounds else None
        assert not bounds.keys() - {"minimum", "maximum", "maxItems"}, line


def faults(document: Any, value: Value, place: str = "") -> list[str]:
    """How a document differs from its description: one line for each difference, naming the place.

    Of several variants the one with the fewest differences is compared with.
    """
    return min((_faults_of_kind(document, kind, place) for kind in value.kinds.values()), key=len)


def _faults_of_kind(document: Any, kind: Kind, place: str) -> list[str]:
    if not isinstance(document, _TYPES[kind.type]) or (isinstance(document, bool) and kind.type != "boolean"):
        return [f"{place}: {document!r} is no {kind.type}"]
    if kind.form and not _FORMS[kind.form].fullmatch(document):
        return [f"{place}: {document!r} is no {kind.form}"]
    if kind.values and document not in kind.values:
        return [f"{place}: {document!r} is not a known value"]
    if (kind.least is not None and document < kind.least) or (kind.most is not None and document > kind.most):
        return [f"{place}: {document!r} is out of range"]
    if kind.type == "list":
        too_many = kind.most_items is not None and len(document) > kind.most_items
        assert kind.items
        found = [fault for item in document for fault in faults(item, kind.items, f"{place}[]")]
        return found + [f"{place}: has {len(document)} items"] * too_many
    # An object without described fields is free.
    return _faults_of_fields(document, kind.fields, place) if kind.fields else []


def _faults_of_fields(document: dict[str, Any], fields: dict[str, Value], place: str) -> list[str]:
    absent = sorted(name for name, value in fields.items() if value.required and name not in document)
    found = [f"{place}.{name}: is absent" for name in absent]
    found += [f"{place}.{name}: is not described" for name in sorted(document.keys() - fields)]
    for name in sorted(document.keys() & fields):
        found += faults(document[name], fields[name], f"{place}.{name}")
    return found


def places(value: Value, place: str = "") -> set[str]:
    """All described fields, as `outer.inner`; items of lists as the list itself."""
    found = {place} - {""}
    for kind in value.kinds.values():
        for name, inner in kind.fields.items():
            found |= places(inner, f"{place}.{name}".strip("."))
        if kind.items:
            found |= places(kind.items, place)
    return found


def places_of(document: Any, place: str = "") -> set[str]:
    """The fields that a document has, named in the same way."""
    if isinstance(document, dict):
        inner = [places_of(it, f"{place}.{name}".strip(".")) for name, it in document.items()]
        return {place} - {""} | set().union(*inner)
    if isinstance(document, list):
        return {place} | set().union(*(places_of(it, place) for it in document))
    return {place}
