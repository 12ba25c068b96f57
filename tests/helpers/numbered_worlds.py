"""Worlds that any row identifies: in the nth, each activity of u1 and u3 takes n seconds."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.home import Home
from tests.helpers.one_run import AS_OF, as_parquet
from tests.reference.rows import Tables
from tests.reference.tables import world

# What is n times as much in the nth world.
_NUMBERED = {"global_time_ms", "time_ms", "median_global_time_ms", "time_spent_ms"}


def numbered(n: int) -> Tables:
    """The nth world: u3 has finished B in the odd ones only; what u2 did is the same in all."""
    tables = world(
        steps="step \n A \n B",
        users="user \n u1 \n u2 \n u3",
        enrollments="enrollment | user \n e1 | u1 \n e2 | u2 \n e3 | u3",
        activity="user | step | started | last | completed \n u1 | A | 5 Mar | 5 Mar | 5 Mar \n "
        "u2 | A | 6 Mar | 6 Mar | 6 Mar \n u2 | B | 7 Mar | 7 Mar | 7 Mar \n "
        f"u3 | A | 5 Mar | 5 Mar | 5 Mar \n u3 | B | 8 Mar | 8 Mar | {'8 Mar' if n % 2 else '-'}",
    )
    for row in tables["step_activity"]:
        row["time_spent_ms"] = 7 if row["user_id"] == "u2" else 1_000 * n
    return tables


def whole(folder: Path, n: int) -> str:
    """The source that delivers all of the nth world."""
    return f"files:{as_parquet(folder, numbered(n))}"


def changes(folder: Path, n: int) -> str:
    """The source that delivers what is another in the nth world than in the one before."""
    as_parquet(folder, numbered(n))
    file = folder / "step_activity.parquet"
    for other in set(folder.glob("*.parquet")) - {file}:
        other.unlink()
    pl.read_parquet(file).filter(pl.col("user_id") != "u2").write_parquet(file)
    return f"changes:{folder}"


@dataclass(frozen=True)
class Undisturbed:
    """The tables that an undisturbed home publishes: an odd world after an even one, or the reverse."""

    odd: dict[str, pl.DataFrame]
    even: dict[str, pl.DataFrame]

    @classmethod
    def runs(cls, folder: Path) -> "Undisturbed":
        home, found = Home(folder / "undisturbed"), []
        for n in (1, 2, 1):
            run_pipeline(RunConfig(source=whole(folder / "undisturbed-in", n), home=home, as_of=AS_OF))
            found.append(tables_of(home.latest))
        return cls(odd=found[2], even=found[1])

    def of(self, n: int) -> dict[str, pl.DataFrame]:
        """The nth world's release."""
        then, seconds = (self.odd, 1) if n % 2 else (self.even, 2)
        return {name: _scaled(frame, seconds, n) for name, frame in then.items()}


def _scaled(frame: pl.DataFrame, seconds: int, n: int) -> pl.DataFrame:
    is_numbered = pl.col("user_id") != "u2" if "user_id" in frame.columns else pl.lit(True)
    return frame.with_columns(
        pl.when(is_numbered)
        .then(pl.col(name) / seconds * n)
        .otherwise(name)
        .cast(frame[name].dtype)
        .alias(name)
        for name in sorted(_NUMBERED & set(frame.columns))
    )


def tables_of(folder: Path) -> dict[str, pl.DataFrame]:
    """All tables of a release."""
    return {file.stem: pl.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}
