"""Inject reproducible network and platform faults: the same seed gives the same faults."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Self

import polars as pl

from schemas.errors import UsageError

# The faults that a request may get.
FAULTS = ("busy", "error", "cut", "slow", "expire")
# The column that marks the second copy of an edited row, at the end of the list.
AGAIN = "_again"
# At most this many faults in a row for one address.
_IN_A_ROW = 2


@dataclass(frozen=True)
class Misbehavior:
    """The faults to inject, each as a share from 0 to 1.

    busy:   requests answered 429 with `Retry-After`, twice in a row.
    error:  requests answered 500.
    cut:    requests whose connection ends in the middle of the page.
    slow:   requests whose page pauses in the middle for `pause_s`.
    expire: requests that revoke their token early, if it was used for at least forty requests.
    moving: rows edited while the list is read: listed in place as they were, and on later pages as they are.
            Every page then begins with the last row of the page before.
    """

    busy: float = 0.0
    error: float = 0.0
    cut: float = 0.0
    slow: float = 0.0
    expire: float = 0.0
    moving: float = 0.0
    pause_s: float = 0.5
    retry_after_s: int = 1
    seed: int = 1

    @classmethod
    def of(cls, text: str) -> Self:
        """The faults in a text such as `busy=0.1,cut=0.05,seed=3`.

        Raises: UsageError if it is invalid.

        >>> Misbehavior.of("cut=0.05,seed=3").cut
        0.05
        """
        types = {it.name: it.type for it in fields(cls)}
        values: dict[str, float | int] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition("=")
            try:
                values[name] = int(value) if types[name] is int else float(value)
            except (KeyError, ValueError) as error:
                raise UsageError(
                    f"{part!r} is not a fault; give shares such as busy=0.1,cut=0.05 of "
                    f"{', '.join((*FAULTS, 'moving'))}, or pause_s, retry_after_s, seed."
                ) from error
        return cls(**values)  # type: ignore[arg-type]


@dataclass
class Faults:
    """Assigns faults by the resource and how often it was requested, not by the order of all requests."""

    misbehavior: Misbehavior
    _requests: Counter[str] = field(default_factory=Counter)
    _in_a_row: Counter[str] = field(default_factory=Counter)
    _bursting: set[str] = field(default_factory=set)

    def next(self, resource: str) -> str | None:
        """One of FAULTS, or None; None at the latest at the third request for a resource in a row."""
        self._requests[resource] += 1
        if self._in_a_row[resource] == _IN_A_ROW:
            fault = None
        elif resource in self._bursting:
            fault = "busy"
        else:
            fault = self._drawn(f"{resource} {self._requests[resource]}")
        self._in_a_row[resource] = self._in_a_row[resource] + 1 if fault else 0
        (self._bursting.add if fault == "busy" else self._bursting.discard)(resource)
        return fault

    def _drawn(self, request: str) -> str | None:
        drawn = _share(f"{self.misbehavior.seed} {request}")
        for fault in FAULTS:
            drawn -= getattr(self.misbehavior, fault)
            if drawn < 0:
                return fault
        return None


def _share(text: str) -> float:
    """A number in [0, 1), derived from the text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def moved(rows: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """The list as a client reads it while some of its rows are edited.

    An edited row is listed twice: in its place as it was before the edit, and at the end as it is now. An
    enrollment that is archived in between is therefore listed among the published ones, too.
    """
    key = "_id" if "_id" in rows.columns else "userId"
    edited = rows.filter(pl.col(key).hash(seed) % 1_000 < share * 1_000)
    before = edited.with_columns(_before(rows.schema))
    is_edited = pl.col(key).is_in(edited[key].implode())
    place = rows.with_row_index("_place")
    at_place = before.with_columns(_place=place.filter(is_edited)["_place"])
    unedited = place.filter(~is_edited)
    in_place = pl.concat([unedited, at_place.select(unedited.columns)]).sort("_place").drop("_place")
    again = pl.lit(True).alias(AGAIN)
    return pl.concat([in_place.with_columns(~again), edited.with_columns(again)])


def _before(schema: pl.Schema) -> list[pl.Expr]:
    """The values before the edit, for each column that an edit changes."""
    null = pl.lit(None)
    was = {
        "name": pl.col("name") + " (draft)" if "name" in schema else null,
        "modifiedAt": _earlier("modifiedAt", "createdAt", schema),
        "archivedAt": null,
        "completedAt": null,
        "progress": pl.lit(0),
        "score": null,
        "timeSpent": pl.lit(0),
        "lastActivityAt": _earlier("lastActivityAt", "firstActivityAt", schema),
        "firstName": null,
        "hasAttended": pl.lit(False),
        "attendanceDuration": null,
    }
    if "archivedAt" in schema:
        was["status"] = pl.lit("published")
    return [value.cast(schema[name]).alias(name) for name, value in was.items() if name in schema]


def _earlier(time: str, first: str, schema: pl.Schema) -> pl.Expr:
    """The time of the first event, null in rows without a time."""
    if time not in schema or first not in schema:
        return pl.lit(None)
    return pl.when(pl.col(time).is_not_null()).then(first)
