"""Generate attempts, corrections and attendances: the table `step_activity`."""

from collections.abc import Iterator
from datetime import datetime
from math import log

import numpy as np
import polars as pl

from flows.sources.demo.catalog import COMPANY
from flows.sources.demo.plans import lessons, taken_up
from flows.sources.demo.random_draws import Chance, days, ids

# The most attempts of a learner at one course.
MOST_TRIES = 5
# Courses of the library, which are on no path; their `step` numbers follow the path steps' numbers.
LIBRARY = 25
ATTEMPT = (
    "user",
    "step",
    "session",
    "started_at",
    "last_activity_at",
    "completed_at",
    "progress",
    "score",
    "time_spent_ms",
    "passed",
    "is_recorded_from_start",
)
NO_SCORE = pl.lit(None, pl.Int32)
NO_VERDICT = pl.lit(None, pl.Boolean)


def attempts(
    enrollment: pl.DataFrame, taught: pl.DataFrame, library: int, end: datetime, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per attempt until `end`, sorted by its start.

    library: the `step` number of the first course of the library.
    """
    lesson = lessons(enrollment, taught, rng)
    earlier = done_before(lesson, end, rng)
    todo = taken_up(lesson, end, rng)
    del lesson
    kind = pl.col("type")
    parts = [
        from_library(enrollment, library, end, rng),
        earlier,
        corrections(todo.filter(kind == "assessment"), end, rng),
    ]
    parts.append(attendances(todo.filter(kind == "classroom"), end, rng))
    parts.extend(tries(todo.filter(~kind.is_in(["assessment", "classroom"])), end, rng))
    return pl.concat([part.select(ATTEMPT) for part in parts]).sort("started_at", maintain_order=True)


def tries(lesson: pl.DataFrame, end: datetime, rng: np.random.Generator) -> Iterator[pl.DataFrame]:
    """The first attempts at every course, then the second attempts of learners who try again, and so on."""
    for number in range(1, MOST_TRIES + 1):
        tried = one_try(lesson, number, end, rng)
        yield tried.select(ATTEMPT)
        lesson = come_back(tried, number, rng)


def one_try(lesson: pl.DataFrame, number: int, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """One attempt at each lesson; one in twenty is left unfinished, as are attempts interrupted by `end`."""
    chance, now = Chance(rng, lesson), pl.lit(end)
    length = pl.when(pl.col("type") == "course").then(1).otherwise(8)
    seconds = chance.normal(log(900), 0.55).exp() * length
    pause = pl.when(chance.below(0.15)).then(chance.between(0, 3)).otherwise(0)
    ends = pl.col("at") + days(seconds * 1.1 / 86_400 + pause)
    unfinished = chance.below(0.05) | (ends > now)
    score = chance.normal(pl.col("zeal") * 36 + (39 + 8 * number), 13).round().clip(0, 100)
    is_scored = pl.col("min_score").is_not_null() | (pl.col("step") % 3 == 0)
    return lesson.with_columns(
        started_at=pl.col("at"),
        last_activity_at=pl.min_horizontal(ends, now),
        completed_at=pl.when(~unfinished).then(ends),
        progress=pl.when(unfinished).then(chance.between(3, 97)).otherwise(100).cast(pl.Int32),
        score=pl.when(~unfinished & is_scored).then(score).cast(pl.Int32),
        time_spent_ms=(seconds * 1000).cast(pl.Int64),
        passed=NO_VERDICT,
        is_recorded_from_start=pl.lit(True),
    )


def come_back(tried: pl.DataFrame, number: int, rng: np.random.Generator) -> pl.DataFrame:
    """The lessons tried again within days: by most who failed, half of the interrupted, and a few others."""
    chance = Chance(rng, tried)
    finished = pl.col("completed_at").is_not_null()
    keen = pl.when(~finished).then(0.5).when(failed()).then(pl.col("zeal") * 0.6 + 0.4).otherwise(0.12)
    allowed = pl.col("attempts_limit").is_null() | (pl.col("attempts_limit") > number)
    at = pl.col("last_activity_at") + days(chance.share() ** 3 * 4 + 0.01)
    return tried.with_columns(at=at).filter(chance.below(keen) & allowed & (pl.col("at") < pl.col("until")))


def failed() -> pl.Expr:
    """Whether a finished attempt fails a condition of its step."""
    limit = pl.col("time_limit_s") * 1000
    too_long = (pl.col("time_limit_mode") == "maxTime") & (pl.col("time_spent_ms") > limit)
    too_short = (pl.col("time_limit_mode") == "minTime") & (pl.col("time_spent_ms") < limit)
    timed = ~pl.col("is_scorm").fill_null(False)
    too_low = pl.col("score") < pl.col("min_score")
    return too_low.fill_null(False) | (timed & (too_long | too_short).fill_null(False))


def corrections(lesson: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Corrected assessments, days after they were handed in; an uncorrected assessment has no row."""
    chance = Chance(rng, lesson)
    by_score = pl.col("min_score").is_not_null()
    score = chance.normal(pl.col("zeal") * 40 + 40, 14).round().clip(0, 100).cast(pl.Int32)
    corrected = done(
        lesson,
        begun=pl.col("at"),
        completed_at=pl.col("at") + days(chance.between(0.5, 21)),
        minutes=chance.normal(log(50), 0.4).exp(),
        score=pl.when(by_score | chance.below(0.4)).then(score),
        passed=pl.when(~by_score).then(chance.below(pl.col("zeal") * 0.2 + 0.75)),
    )
    return corrected.filter(chance.below(0.92) & (pl.col("completed_at") <= pl.lit(end)))


def attendances(lesson: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Classroom attendances, from 9:00 to 12:30; some learners are absent."""
    nine, minutes = pl.col("at").dt.truncate("1d") + pl.duration(hours=9), pl.lit(210)
    attended = done(lesson, begun=nine, completed_at=nine + days(minutes / 1440), minutes=minutes)
    return attended.filter(Chance(rng, lesson).below(0.94) & (pl.col("completed_at") <= pl.lit(end)))


def done_before(lesson: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Steps done before: in last year's session of a path with replay, or in a course outside any session."""
    known = lesson.filter("known")
    chance = Chance(rng, known)
    begun = pl.min_horizontal("opens", pl.lit(end)) - days(chance.between(20, 300))
    minutes = chance.between(5, 50)
    score = pl.when(pl.col("min_score").is_not_null()).then(chance.between(60, 100)).cast(pl.Int32)
    known = done(known, begun, begun + days(minutes / 1440), minutes, score)
    return known.with_columns(session=pl.when("mandatory_replay").then("session_before"))


def from_library(
    enrollment: pl.DataFrame, library: int, end: datetime, rng: np.random.Generator
) -> pl.DataFrame:
    """Attempts at library courses, outside any session."""
    reader = enrollment.select("user").filter(Chance(rng, enrollment).below(0.25))
    chance = Chance(rng, reader)
    begun, minutes = pl.lit(end) - days(chance.between(1, 400)), chance.between(3, 40)
    return done(reader, begun, begun + days(minutes / 1440), minutes).with_columns(
        step=(library + pl.col("user") % LIBRARY).cast(pl.UInt32), session=pl.lit(None, pl.UInt32)
    )


def done(
    work: pl.DataFrame,
    begun: pl.Expr,
    completed_at: pl.Expr,
    minutes: pl.Expr,
    score: pl.Expr = NO_SCORE,
    passed: pl.Expr = NO_VERDICT,
) -> pl.DataFrame:
    """The rows of `work` as completed attempts; `minutes` is the time spent."""
    return work.with_columns(
        started_at=begun,
        last_activity_at=completed_at,
        completed_at=completed_at,
        progress=pl.lit(100, pl.Int32),
        score=score,
        time_spent_ms=(minutes * 60_000).cast(pl.Int64),
        passed=passed,
        is_recorded_from_start=pl.lit(False),
    )


def step_activity(
    attempt: pl.DataFrame,
    user_ids: pl.Series,
    step_ids: pl.Series,
    session_ids: pl.Series,
    seed: int,
    today: datetime,
) -> pl.DataFrame:
    """The table `step_activity` as of today."""
    numbered = attempt.with_columns(activity_id=ids("activity", seed, attempt.height))
    return (
        until_today(numbered, today)
        .select(
            pl.lit(COMPANY).alias("company_id"),
            "activity_id",
            pl.lit(user_ids).gather("user").alias("user_id"),
            pl.lit(step_ids).gather("step").alias("step_id"),
            pl.lit(session_ids).gather("session").alias("session_id"),
            *ATTEMPT[3:-1],
            pl.lit(None, pl.String).alias("enrollment_id"),
        )
        .with_columns(pl.col("score").cast(pl.Float64))
    )


def until_today(attempt: pl.DataFrame, today: datetime) -> pl.DataFrame:
    """The attempts that have begun by today; a running course has progress in proportion to its elapsed time.

    A classroom or a correction is recorded when it is over.
    """
    now = pl.lit(today)
    recorded_at = pl.when("is_recorded_from_start").then("started_at").otherwise("last_activity_at")
    under_way = pl.col("last_activity_at") > now
    share = (now - pl.col("started_at")) / (pl.col("last_activity_at") - pl.col("started_at"))
    so_far = {
        "progress": (pl.col("progress") * share).clip(0, 99),
        "time_spent_ms": pl.col("time_spent_ms") * share,
        "completed_at": None,
        "score": None,
        "last_activity_at": now,
    }
    return attempt.filter(recorded_at <= now).with_columns(
        pl.when(under_way).then(value).otherwise(name).cast(attempt.schema[name]).alias(name)
        for name, value in so_far.items()
    )
