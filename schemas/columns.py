"""Declare a column once, with its type, unit, meaning and the meaning of null."""

from functools import cache
from typing import Annotated, Any, Literal

import pandera.polars as pa
import polars as pl

Time = Annotated[pl.Datetime, "us", "UTC"]
UTC_TIME = pl.Datetime("us", "UTC")


def column(
    meaning: str,
    *,
    unit: str | None = None,
    null: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    isin: tuple[str, ...] | None = None,
    default: object = None,
    decimals: int | None = None,
    rounded: Literal["down", "up"] | None = None,
) -> Any:
    """Declare a column of a pandera model.

    meaning: one sentence for the data dictionary.
    unit:    of a quantity; times are UTC and need none.
    null:    what a null means; without it the column is never null.
    default: the value of a null or of an absent column, for optional inputs.
    rounded: how to round a number with more than `decimals` decimals (default 0); without it, not at all.
    """
    facts = {
        "unit": unit,
        "null": null,
        "ge": ge,
        "gt": gt,
        "le": le,
        "isin": isin,
        "default": default,
        "decimals": decimals,
        "rounded": rounded,
    }
    return pa.Field(
        nullable=null is not None and default is None,
        ge=ge,
        gt=gt,
        le=le,
        isin=isin,
        description=meaning,
        metadata={name: fact for name, fact in facts.items() if fact is not None},
    )


class Table(pa.DataFrameModel):
    """A table with exactly its declared columns, in their order."""

    class Config:
        strict = True
        ordered = True


@cache
def facts(model: type[Table]) -> dict[str, Any]:
    """The metadata in the model's Config: the table's key, and the order of its times."""
    return dict(model.get_metadata()[table_name(model)]["dataframe"])


def key(model: type[Table]) -> tuple[str, ...]:
    """The columns that identify a row of the model, most significant first."""
    return tuple(facts(model)["key"])


def descriptive(model: type[Table]) -> tuple[str, ...]:
    """The columns that describe a row without defining it: no rule reads them."""
    return tuple(facts(model).get("descriptive", ()))


@cache
def table_name(model: type[Table]) -> str:
    """The table's name in files and messages."""
    return str(model.to_schema().name)


def polars_schema(model: type[Table]) -> dict[str, Any]:
    """The polars type of each of the model's columns."""
    return {name: declared.dtype.type for name, declared in model.to_schema().columns.items()}
