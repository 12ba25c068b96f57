"""Compute the month of a demo company: all of it is generated, and each day shows the part until then."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self


@dataclass(frozen=True)
class Month:
    """Three midnights, UTC.

    middle: sessions are spread around it: some have ended, some are running, some are still to come.
    end:    all events until then are generated.
    today:  later events are not in the data yet.
    """

    middle: datetime
    end: datetime
    today: datetime

    @classmethod
    def of(cls, as_of: datetime) -> Self:
        """The month of `as_of`, with `today` at the beginning of that day.

        >>> Month.of(datetime(2026, 12, 31, 23, tzinfo=UTC)).end
        datetime.datetime(2027, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
        """
        today = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        middle = today.replace(day=15)
        return cls(middle, (middle + timedelta(days=20)).replace(day=1), today)

    @property
    def number(self) -> int:
        """A unique number for each month."""
        return self.middle.year * 12 + self.middle.month
