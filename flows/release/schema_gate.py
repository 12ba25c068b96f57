"""The schema gate: no table is published that breaks its schema."""

from collections.abc import Callable
from typing import Any

import pandera.errors
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.columns import Table, polars_schema, table_name
from schemas.errors import RunBlocked
from schemas.outputs import SUMMARY_COUNTS

# What pandera's own checks test, as expressions.
_TESTS: dict[str, Callable[..., pl.Expr]] = {
    "greater_than_or_equal_to": lambda column, min_value: column >= min_value,
    "greater_than": lambda column, min_value: column > min_value,
    "less_than_or_equal_to": lambda column, max_value: column <= max_value,
    "isin": lambda column, allowed_values: column.is_in(list(allowed_values)),
}


def check(model: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame, if it passes every check of its schema.

    Raises: RunBlocked, naming the table and each failed check with its number of rows, never their contents.
    """
    if _is_sound(model, frame):
        return frame
    words = "no check of its own"
    try:
        model.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        failures = broken.failure_cases
        named = failures.group_by("column", "check", maintain_order=True).len().head(5).rows()
        words = "; ".join(f"{column}: {check}, {rows:,} rows" for column, check, rows in named)
    raise RunBlocked(
        f"Table {table_name(model)} breaks its schema ({words}). Nothing was published; "
        "this is a fault of pathstats: report it with the words in brackets."
    )


def _is_sound(model: type[Table], frame: pl.DataFrame) -> bool:
    """Whether all checks pass, in one go; pandera, which makes one for each, words a failure."""
    if list(frame.schema.items()) != list(polars_schema(model).items()):
        return False
    schema = model.to_schema()
    columns: list[pl.Expr] = []
    for name, declared in schema.columns.items():
        tests = [_TESTS[test.name](pl.col(name), **test.statistics) for test in declared.checks]
        if not declared.nullable:
            tests.append(pl.col(name).is_not_null())
        columns += [test.all() for test in tests]
    whole: list[Any] = [test._check_fn(PolarsData(frame.lazy())) for test in schema.checks]
    answers = pl.collect_all(
        [frame.lazy().select(pl.all_horizontal(columns)), *(it.select(pl.all().all()) for it in whole)]
    )
    return all(answer.item() for answer in answers)


def check_summary(stats: pl.DataFrame, summary: pl.DataFrame) -> None:
    """The summary's counts are the counts of the enrollments themselves, session by session.

    Raises: RunBlocked if they are not.
    """
    of_session = ["company_id", "session_id"]
    counted = (
        stats.lazy()
        .filter(pl.col("is_current") & pl.col("archived_at").is_null())
        .group_by(of_session)
        .agg(
            (pl.col("detailed_status_type") == kind).sum().cast(pl.Int32).alias(column)
            for kind, column in SUMMARY_COUNTS.items()
        )
        .sort(of_session)
        .collect()
    )
    published = (
        summary.filter(pl.col("enrolled") > 0).select(*of_session, *SUMMARY_COUNTS.values()).sort(of_session)
    )
    if not published.equals(counted):
        raise RunBlocked(
            "Table session_summary does not match the counts of path_session_stats. Nothing was published; "
            "this is a fault of pathstats: report it with these words."
        )
