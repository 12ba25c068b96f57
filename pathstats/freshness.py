"""The age of a release and of its data, at a given instant."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.errors import UsageError
from schemas.manifest import Manifest

# A table that comes every run lags by less than a day; more means that a delivery did not come.
DATA_LAG_LIMIT = timedelta(days=1)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class DataAge:
    """When a table was taken from the system it comes from.

    age: from then until the release is asked about.
    lag: from then until the release's as_of; negative if it was taken later.
    """

    data_as_of: datetime
    age: timedelta
    lag: timedelta

    @property
    def is_behind(self) -> bool:
        """Whether the table is much older than the release it went into."""
        return self.lag > DATA_LAG_LIMIT


@dataclass(frozen=True)
class Freshness:
    """age: from the release's as_of until it is asked about; negative for one that is ahead of the clock."""

    age: timedelta
    tables: dict[str, DataAge]


def freshness(manifest: Manifest, now: datetime) -> Freshness:
    """How old the release and its tables are at an instant.

    >>> from datetime import UTC
    >>> from schemas.manifest import TableIn
    >>> users = TableIn(1, 1, 0, 0, 0, {}, data_as_of="2026-03-07T00:00:00+00:00")
    >>> made = Manifest("r", "r", "2026-03-10T00:00:00+00:00", "", "", {"users": users}, {}, {})
    >>> found = freshness(made, datetime(2026, 3, 11, tzinfo=UTC))
    >>> found.age.days, found.tables["users"].age.days, found.tables["users"].lag.days
    (1, 4, 3)
    """
    as_of = datetime.fromisoformat(manifest.as_of)
    taken = {name: datetime.fromisoformat(table.data_as_of) for name, table in manifest.tables_in.items()}
    return Freshness(
        age=now - as_of,
        tables={name: DataAge(when, now - when, as_of - when) for name, when in taken.items()},
    )


def duration(text: str) -> timedelta:
    """A length of time as a person writes it: a whole number of m, h, d or w.

    Raises: UsageError if it is invalid.

    >>> duration("90m") == duration("1h") + timedelta(minutes=30)
    True
    """
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is not a valid duration; use minutes, hours, days or weeks: 90m, 26h, 3d, 2w."
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def in_words(length: timedelta) -> str:
    """A length of time, rounded down to what a person would say.

    >>> in_words(timedelta(minutes=90)), in_words(timedelta(hours=26)), in_words(timedelta(days=9, hours=23))
    ('90 minutes', '26 hours', '9 days')
    """
    minutes = int(length.total_seconds() // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size:
            return f"{minutes // size:,} {unit}s"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
