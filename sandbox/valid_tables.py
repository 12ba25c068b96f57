"""Read the valid, deduplicated rows of a source."""

import tempfile
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.database.connection import identifier
from flows.sources.base import EMPTY_WAREHOUSE, Extract
from flows.sources.delivery import delivered
from flows.staging import load
from flows.staging.surrogate_keys import by_id
from flows.warehouse import merge
from flows.warehouse.merge import StagedExtract
from flows.warehouse.thresholds import NO_THRESHOLDS
from flows.warehouse.warehouse import Warehouse
from schemas.columns import polars_schema, table_name
from schemas.errors import UsageError
from schemas.inputs import INPUTS, model_of
from schemas.manifest import run_id

Tables = dict[str, pl.DataFrame]


def valid_tables(source: str, as_of: datetime, company: str | None = None) -> Tables:
    """The valid rows of each table of one company, in no particular order.

    Raises: SourceError if a table can't be read; UsageError if there are several companies and none is named.
    """
    with tempfile.TemporaryDirectory(prefix="pathstats-") as folder:
        tables = stored_rows(delivered(source, Path(folder), as_of, EMPTY_WAREHOUSE).extracts, as_of)
    return _of_company(tables, company)


def stored_rows(extracts: list[Extract], as_of: datetime) -> Tables:
    """The rows of a new warehouse after merging the extracts."""
    tables: Tables = {}
    with Warehouse.open() as connection:
        staged = [StagedExtract(item, load.load(connection, model_of(item.table), item)) for item in extracts]
        merge.merge(connection, staged, thresholds=NO_THRESHOLDS, run_id=run_id(as_of), as_of=as_of)
        for model in INPUTS:
            schema = polars_schema(model)
            names = ", ".join(map(identifier, schema))
            rows = connection.frame(f"SELECT {names} FROM ({by_id(model, table_name(model))})")
            tables[table_name(model)] = rows.cast(pl.Schema(schema))
    return tables


def _of_company(tables: Tables, company: str | None) -> Tables:
    companies = tables["path_sessions"]["company_id"].unique().sort().to_list()
    if company is None and len(companies) != 1:
        raise UsageError(
            f"A platform is one company's and the source contains {len(companies)}; name one with --company."
        )
    chosen = company or companies[0]
    if chosen not in companies:
        raise UsageError(f"The source contains no session of a company {chosen!r}.")
    return {name: rows.filter(pl.col("company_id") == chosen) for name, rows in tables.items()}
