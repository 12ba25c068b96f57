"""Build the data dictionary from the schemas: Markdown for people, parquet metadata for programs."""

from schemas.columns import Table, key, table_name
from schemas.enums import PENDING, REJECTIONS
from schemas.inputs import INPUTS
from schemas.outputs import OUTPUTS, SOMETIMES

# How to write values of each type in input files.
_FILE_FORMATS = (
    "In CSV and NDJSON: times in ISO 8601 with a zone (2026-03-10T08:30:00Z), bool as true or false, nothing",
    "for a missing value. NDJSON may also contain JSON numbers and booleans. Times may also end in ` UTC` or",
    "` +0200`, as BigQuery and Snowflake write them; digits after microseconds are cut off. A line has at",
    "most 2 MB in CSV and 16 MiB in NDJSON, where values are nested at most 1,000 levels deep.",
    "",
    "In parquet: INT96 times need a writer that declares instants (Spark's `timestamp`, Arrow's zone);",
    "binary is read as UTF-8 text; ids may be integers of any type. A row with a NUL character in a text is",
    "rejected.",
)
_TYPES = {
    "String": "text",
    "Int32": "int32",
    "Int64": "int64",
    "Float64": "float64",
    "Boolean": "bool",
    "Datetime(time_unit='us', time_zone='UTC')": "time (UTC, µs)",
}


def column_metadata(model: type[Table]) -> dict[str, dict[str, str]]:
    """Each column's meaning, unit and meaning of null, as parquet column metadata."""
    return {
        name: {
            "description": declared.description or "",
            **{
                fact: (declared.metadata or {})[fact]
                for fact in ("unit", "null")
                if fact in (declared.metadata or {})
            },
        }
        for name, declared in model.to_schema().columns.items()
    }


def data_dictionary() -> str:
    """Every published table and input table with its columns, as Markdown."""
    parts = ["# Data dictionary", "", "Generated from `schemas/`; times are UTC.", ""]
    parts += ["## Published tables", ""]
    parts += [line for model in (*OUTPUTS, *SOMETIMES) for line in _table(model)]
    parts += ["## Input tables", "", *_FILE_FORMATS, ""]
    parts += [line for model in INPUTS for line in _table(model)]
    parts += ["## Why a row is rejected or pending", "", "| reason | meaning |", "| --- | --- |"]
    parts += [f"| {reason} | {meaning} |" for reason, meaning in (REJECTIONS | PENDING).items()]
    return "\n".join(parts).rstrip() + "\n"


def _table(model: type[Table]) -> list[str]:
    lines = [f"### `{table_name(model)}`", "", " ".join((model.__doc__ or "").split()), ""]
    lines += [f"Key: {', '.join(key(model))}", "", "| column | type | unit | meaning | null means |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for name, declared in model.to_schema().columns.items():
        facts = declared.metadata or {}
        allowed = f" One of {', '.join(facts['isin'])}." if "isin" in facts else ""
        lines.append(
            f"| {name} | {_TYPES[str(declared.dtype)]} | {facts.get('unit', '')} "
            f"| {declared.description}{allowed} | {facts.get('null', '')} |"
        )
    return [*lines, ""]
