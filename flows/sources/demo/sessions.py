"""Generate past, running, open-ended and future sessions: the table `path_sessions`."""

from datetime import datetime

import numpy as np
import polars as pl

from flows.sources.demo.catalog import COMPANY, PATHS
from flows.sources.demo.random_draws import Chance, days, ids
from schemas.enums import MESSAGE_STEP_TYPES

# The phases of a round of twelve sessions; each round is shifted by one path, so every path gets every phase.
PHASES = ("now", "past", "open", "now", "past", "now", "next", "past", "now", "past", "past", "next")
# The columns of a step that affect a learner's work on it.
COLUMNS = (
    "type",
    "optional",
    "min_score",
    "attempts_limit",
    "time_limit_mode",
    "time_limit_s",
    "is_scorm",
)


def sessions(learners: int, seed: int, anchor: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """The sessions, with the index of their `path` and their `popularity` among learners.

    anchor: the middle of the month; sessions open between 14 months before and three months after it.
            Open-ended sessions have no end.
    """
    count = max(len(PHASES), learners // 80)
    numbered = pl.DataFrame({"session": pl.int_range(count, dtype=pl.UInt32, eager=True)})
    chance = Chance(rng, numbered)
    number, a_round = pl.col("session").cast(pl.Int64), len(PHASES)
    planned = numbered.with_columns(
        session_id=ids("session", seed, count),
        path=((number - number // a_round) % len(PATHS)).cast(pl.UInt32),
        phase=pl.lit(pl.Series(PHASES)).gather(number % a_round),
        length=chance.between(30, 90).floor(),
        restarts_on_reenrollment=pl.when(chance.below(0.3)).then(True).when(chance.below(0.8)).then(False),
    )
    to_come = pl.when(pl.col("phase") == "next").then(0.6).otherwise(1.0)
    starts_at = pl.lit(anchor) + days(start_day(chance.share()).floor()) + pl.duration(hours=7)
    ends_at = pl.when(pl.col("phase") != "open").then(starts_at + days(pl.col("length")))
    popularity = chance.normal(0, 0.4).exp() * to_come
    return planned.with_columns(starts_at=starts_at, ends_at=ends_at, popularity=popularity)


def start_day(share: pl.Expr) -> pl.Expr:
    """The day a session opens, counted from the anchor: at a share of the range that its phase allows."""
    phase, length = pl.col("phase"), pl.col("length")
    past = pl.when(phase == "past").then(-3 - share * 320 - length)
    now = past.when(phase == "now").then((share * 0.7 - 0.85) * length)
    return now.when(phase == "open").then(-40 - share * 370).otherwise(2 + share * 85)


def path_sessions(session: pl.DataFrame, paths: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The table `path_sessions`; its last session has a path that has not been delivered yet."""
    month = pl.col("starts_at").dt.strftime(" – %B %Y")
    title = pl.col("name") + month
    group = pl.int_range(pl.len()).over(title) + 1
    named = session.join(paths.with_row_index("path"), on="path", maintain_order="left").select(
        pl.lit(COMPANY).alias("company_id"),
        "session_id",
        "path_id",
        pl.when(group > 1).then(pl.format("{} ({})", title, group)).otherwise(title).alias("name"),
        "starts_at",
        "ends_at",
        "restarts_on_reenrollment",
    )
    pilot = named.head(1).with_columns(
        session_id=ids("session of an unknown path", seed, 1),
        path_id=ids("unknown path", seed, 1),
        name=pl.lit("Sustainability – pilot"),
    )
    return pl.concat([named, pilot])


def path_version(session: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """One row per session and training step, with the step's definition when the session opened.

    `step` is the row in `steps`; `order` is the step's index among the session's `of` steps; `session_before`
    is the previous session of the same path.
    """
    training = steps.with_row_index("step").filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES))
    previous = session.sort("starts_at", "session").with_columns(
        session_before=pl.col("session").shift(1).over("path"),
        mandatory_replay=pl.lit(pl.Series([path.replay for path in PATHS])).gather("path"),
    )
    taught = previous.join(training, on="path", maintain_order="left_right")
    has_begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("starts_at"))
    has_not_ended = pl.col("valid_to").is_null() | (pl.col("starts_at") < pl.col("valid_to"))
    return taught.filter(has_begun & has_not_ended).select(
        "session",
        "session_before",
        "mandatory_replay",
        "step",
        *COLUMNS,
        order=pl.int_range(pl.len()).over("session"),
        of=pl.len().over("session"),
    )
