"""R5: the conditions that an attempt must meet to satisfy its step."""

import polars as pl


def satisfies() -> pl.Expr:
    """Whether a finished attempt meets every condition of its step on that one attempt."""
    return reaches_min_score() & within_max_time() & beyond_min_time() & is_passed()


def reaches_min_score() -> pl.Expr:
    """A null score fails a min_score."""
    return pl.col("min_score").is_null() | (pl.col("score") >= pl.col("min_score")).fill_null(False)


def within_max_time() -> pl.Expr:
    """maxTime: at most time_limit_s; no matter for SCORM."""
    return ~_limited("maxTime") | (_spent_us() <= _limit_us())


def beyond_min_time() -> pl.Expr:
    """minTime: at least time_limit_s; no matter for SCORM."""
    return ~_limited("minTime") | (_spent_us() >= _limit_us())


def is_passed() -> pl.Expr:
    """An examination without min_score needs the assessor's pass; any other correction will do."""
    assessor_decides = pl.col("is_assessment") & pl.col("min_score").is_null() & pl.col("is_examination")
    return ~assessor_decides | pl.col("passed").fill_null(False)


def _limited(mode: str) -> pl.Expr:
    """A mode without seconds limits nothing."""
    has_limit = (pl.col("time_limit_mode") == mode) & pl.col("time_limit_s").is_not_null()
    return has_limit.fill_null(False) & ~pl.col("is_scorm")


def _spent_us() -> pl.Expr:
    return pl.col("time_spent_ms") * 1000


def _limit_us() -> pl.Expr:
    """To the nearest microsecond, so that 1.001 s are 1,001 ms; a limit of 30,000 years is never reached."""
    return (pl.min_horizontal("time_limit_s", pl.lit(1e12)) * 1_000_000).round().cast(pl.Int64)
