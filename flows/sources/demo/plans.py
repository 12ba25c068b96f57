"""Plan when each learner does each training step of a session."""

from datetime import datetime

import numpy as np
import polars as pl

from flows.sources.demo.random_draws import Chance, days


def lessons(enrollment: pl.DataFrame, taught: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row per enrollment and training step, with the time it is `planned` for.

    Diligent learners begin early and are fast. Some learners never start (`reach` is 0), some give up
    half-way (`reach` is below 1).
    """
    chance = Chance(rng, enrollment)
    zeal = (pl.col("diligence") + chance.normal(0, 0.12)).clip(0.02, 0.98)
    journey = enrollment.with_columns(zeal=zeal, opens=pl.max_horizontal("enrolled_at", "starts_at"))
    laziness = 1 - pl.col("zeal")
    window = ((pl.col("ends_at") - pl.col("opens")).dt.total_hours() / 24).fill_null(60).clip(2)
    never = chance.below(laziness * 0.3) | (pl.col("status") == "invited")
    gives_up = chance.below(laziness * 0.3)
    journey = journey.select(
        "user",
        "session",
        "zeal",
        "opens",
        "ends_at",
        "archived_at",
        reach=pl.when(never).then(0).when(gives_up).then(chance.share()).otherwise(1),
        delay=window * (laziness * chance.between(0, 0.6) + 0.01),
        span=window * (laziness * chance.between(0, 1.0) + 0.1),
        veteran=chance.below(0.4),
    )
    lesson = journey.join(taught, on="session", maintain_order="left_right")
    chance = Chance(rng, lesson)
    place = (pl.col("order") + chance.share()) / pl.col("of")
    return lesson.with_columns(
        planned=pl.col("opens") + days(pl.col("delay") + pl.col("span") * place),
        known=pl.when("mandatory_replay").then("veteran").otherwise(chance.below(0.04))
        & (pl.col("type") != "assessment"),
    )


def taken_up(lesson: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """The lessons that are begun, `at` a working hour; a few after the session or the unenrollment."""
    chance, now = Chance(rng, lesson), pl.lit(end)
    wanted = ~pl.col("optional") | chance.below(pl.col("zeal") * 0.75)
    again = ~pl.col("known") | pl.col("mandatory_replay")
    reached = pl.col("order") < pl.col("reach") * pl.col("of")
    next_day = pl.col("planned").dt.truncate("1d") + pl.duration(days=1)
    weekend = (next_day.dt.weekday() > 5) & chance.below(0.85)
    begins = next_day + pl.when(weekend).then(pl.duration(days=2)).otherwise(pl.duration(days=0))
    last = pl.min_horizontal("ends_at", "archived_at", now)
    return (
        lesson.with_columns(
            at=begins + days(chance.between(7 / 24, 18 / 24)),
            until=pl.when(chance.below(0.04)).then(now).otherwise(last),
        )
        .filter(wanted & again & reached & (pl.col("at") < pl.col("until")))
        .drop("opens", "ends_at", "archived_at", "reach", "delay", "span", "planned", "known", "veteran")
    )
