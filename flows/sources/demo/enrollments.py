"""Generate the table `enrollments`."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from flows.sources.demo.catalog import COMPANY
from flows.sources.demo.random_draws import Chance, days, ids

# How long in advance the data contains an unenrollment.
NOTICE = timedelta(days=3)
# The probabilities that a person is enrolled in 0, 1, 2, … sessions.
SESSIONS_EACH = [0.06, 0.24, 0.26, 0.20, 0.13, 0.08, 0.03]


def draw_enrollments(
    person: pl.DataFrame, session: pl.DataFrame, seed: int, end: datetime, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per enrollment, sorted by its time; after an archived enrollment there may be a second one.

    end: the last enrollments and unenrollments are drawn until then. `scheduled` enrollments are in the data
         before they begin.
    """
    first = places(person, session, rng)
    first = first.with_columns(scheduled=Chance(rng, first).below(0.06))
    first = first.with_columns(enrolled_at=enrolled_at(first, end, rng))
    first = first.with_columns(archived_at=archived_at(first, end, rng))
    again = came_back(first, end, rng)
    everyone = pl.concat([first, again]).sort("enrolled_at", "user", "session")
    return everyone.with_columns(enrollment_id=ids("enrollment", seed, everyone.height))


def places(person: pl.DataFrame, session: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The pairs of `user` and `session` with the attributes of both; every newcomer has at least one pair."""
    each = rng.choice(len(SESSIONS_EACH), person.height, p=SESSIONS_EACH)
    each = np.maximum(each, person["newcomer"].to_numpy())
    popularity = session["popularity"].cast(pl.Float64).to_numpy()
    user = np.repeat(person["user"].to_numpy(), each)
    chosen = rng.choice(session.height, user.size, p=popularity / popularity.sum())
    pairs = pl.DataFrame({"user": user, "session": chosen.astype(np.uint32)})
    return (
        pairs.unique(maintain_order=True)
        .join(person.select("user", "status", "diligence"), on="user", maintain_order="left")
        .join(session.select("session", "phase", "starts_at", "ends_at"), on="session", maintain_order="left")
    )


def enrolled_at(place: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.Expr:
    """When each is enrolled: mostly in the weeks before the start; in open-ended sessions at any time."""
    chance, last = Chance(rng, place), pl.lit(end)
    starts_at = pl.col("starts_at")
    ahead = starts_at - days(chance.share() ** 2 * 25)
    joins_later = pl.when(pl.col("phase") == "open").then(0.85).otherwise(0.2)
    since_start = (pl.min_horizontal(pl.col("ends_at").fill_null(last), last) - starts_at).dt.total_days()
    later = starts_at + days(pl.max_horizontal(since_start, 1) * chance.between(0, 0.9))
    enrolled = pl.when(chance.below(joins_later)).then(later).otherwise(ahead)
    early = last - days(chance.between(0, 60))
    return pl.when((enrolled > last) & ~pl.col("scheduled")).then(early).otherwise(enrolled)


def archived_at(enrollment: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.Expr:
    """When each is archived: null for most, else at any time until shortly after the session."""
    chance = Chance(rng, enrollment)
    last_day = pl.min_horizontal(pl.col("ends_at") + pl.duration(days=20), pl.lit(end + NOTICE))
    stay = (last_day - pl.col("enrolled_at")).dt.total_seconds() / 86_400
    leaves = chance.below(0.09) & (stay > 0)
    return pl.when(leaves).then(pl.col("enrolled_at") + days(stay * chance.share()))


def came_back(enrollment: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """The second enrollments of learners who were archived."""
    left = enrollment.filter(pl.col("archived_at").is_not_null())
    chance = Chance(rng, left)
    returned = pl.col("archived_at") + days(chance.between(0.5, 15))
    again = left.with_columns(
        enrolled_at=returned, archived_at=pl.lit(None, left.schema["archived_at"]), scheduled=pl.lit(False)
    )
    return again.filter(chance.below(0.6) & (pl.col("enrolled_at") < pl.lit(end)))


def enrollments(
    enrollment: pl.DataFrame, user_ids: pl.Series, session_ids: pl.Series, today: datetime
) -> pl.DataFrame:
    """The table `enrollments` as of today."""
    known = enrollment.filter((pl.col("enrolled_at") <= pl.lit(today)) | pl.col("scheduled"))
    leaves = pl.col("archived_at") <= pl.lit(today + NOTICE)
    return known.select(
        pl.lit(COMPANY).alias("company_id"),
        "enrollment_id",
        pl.lit(session_ids).gather("session").alias("session_id"),
        pl.lit(user_ids).gather("user").alias("user_id"),
        "enrolled_at",
        archived_at=pl.when(leaves).then("archived_at"),
    )
