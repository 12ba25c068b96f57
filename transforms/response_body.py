"""The endpoint's JSON body of each enrollment."""

import polars as pl

from schemas.outputs import Stats

_KEYS = ("progress", "globalTime", "score", "status", "completedAt", "detailedStatus", "result")


def body() -> pl.Expr:
    """The JSON text of an enrollment, from the columns of PathSessionStats; never null.

    Keys are in the endpoint's order and are null without a value; `reason` and `archivedAt`
    appear only when set. Nothing needs escaping: the values are numbers, times and words of the vocabulary.
    """
    detailed_status = pl.concat_str(
        pl.lit('{"type": '),
        _text(Stats.detailed_status_type),
        _when_set("detailed_status_reason", ', "reason": ', _text(Stats.detailed_status_reason)),
        pl.lit("}"),
    )
    values = (
        pl.col(Stats.progress).cast(pl.String),
        pl.col(Stats.global_time_ms).cast(pl.String),
        pl.col(Stats.score).cast(pl.String).fill_null("null"),
        _text(Stats.status),
        _instant(Stats.completed_at),
        detailed_status,
        _text(Stats.result),
    )
    parts: list[pl.Expr] = []
    for key, value in zip(_KEYS, values, strict=True):
        parts += [pl.lit(f'{", " if parts else "{"}"{key}": '), value]
    return pl.concat_str(
        *parts, _when_set("archived_at", ', "archivedAt": ', _instant(Stats.archived_at)), pl.lit("}")
    )


def _text(column: str) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), pl.col(column), pl.lit('"')).fill_null("null")


def _instant(column: str) -> pl.Expr:
    """ISO 8601 with milliseconds, cut, and Z."""
    return pl.col(column).dt.strftime('"%Y-%m-%dT%H:%M:%S%.3fZ"').fill_null("null")


def _when_set(column: str, before: str, value: pl.Expr) -> pl.Expr:
    return (
        pl.when(pl.col(column).is_not_null()).then(pl.concat_str(pl.lit(before), value)).otherwise(pl.lit(""))
    )
