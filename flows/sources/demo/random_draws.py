"""Draw reproducible random values and ids from a seed: the demo's only source of randomness."""

import hashlib

import numpy as np
import polars as pl

DAY_MS = 86_400_000


class Chance:
    """Random expressions for the rows of a frame: `frame.filter(Chance(rng, frame).below(0.1))`."""

    def __init__(self, rng: np.random.Generator, frame: pl.DataFrame) -> None:
        self._rng = rng
        self._rows = frame.height

    def share(self) -> pl.Expr:
        """A number for each row, uniform between 0 and 1."""
        return pl.lit(pl.Series(self._rng.random(self._rows, dtype=np.float32)))

    def below(self, probability: float | pl.Expr) -> pl.Expr:
        """True with that probability."""
        return self.share() < probability

    def between(self, least: float, most: float) -> pl.Expr:
        return self.share() * (most - least) + least

    def normal(self, mean: float | pl.Expr, deviation: float) -> pl.Expr:
        draws = self._rng.standard_normal(self._rows, dtype=np.float32)
        return pl.lit(pl.Series(draws)) * deviation + mean

    def one_of(self, values: list[str]) -> pl.Expr:
        drawn = pl.Series(self._rng.integers(0, len(values), self._rows))
        return pl.lit(pl.Series(values).gather(drawn))


def days(number: pl.Expr) -> pl.Expr:
    """A number of days as a duration in whole milliseconds, the platform's precision."""
    return ((number.cast(pl.Float64) * DAY_MS).cast(pl.Int64) * 1000).cast(pl.Duration("us"))


def ids(kind: str, seed: int, count: int) -> pl.Series:
    """Distinct ids of one kind, in the platform's form: 24 lower-case hexadecimal digits.

    The first eight digits encode the kind and seed. The others are a counter mixed by splitmix64, which is a
    bijection, so they never collide.
    """
    mark = hashlib.blake2s(f"{kind} {seed}".encode(), digest_size=12).digest()
    mixed = np.arange(count, dtype=np.uint64) + np.frombuffer(mark, "<u8", count=1, offset=4)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    octets = np.empty((count, 12), dtype=np.uint8)
    octets[:, :4] = np.frombuffer(mark, np.uint8, count=4)
    octets[:, 4:] = mixed.astype(">u8").view(np.uint8).reshape(count, 8)
    return pl.Series(octets).cast(pl.List(pl.UInt8)).cast(pl.Binary).bin.encode("hex")
