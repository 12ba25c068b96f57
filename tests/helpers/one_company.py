"""The rows of several companies as frames of one, with ids that they don't share."""

from typing import Any

import polars as pl

from sandbox.valid_tables import Tables as Frames
from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS
from tests.reference.rows import Tables


def of_one_company(tables: Tables) -> Frames:
    return {
        table_name(model): pl.DataFrame(
            [_of_acme(row) for row in tables.get(table_name(model), [])], schema=polars_schema(model)
        )
        for model in INPUTS
    }


def _of_acme(row: dict[str, Any]) -> dict[str, Any]:
    ids = [name for name, value in row.items() if name.endswith("_id") and value]
    return {**row, **{name: f"{row['company_id']} {row[name]}" for name in ids}, "company_id": "acme"}
