"""The month of a demo company: generated once as a whole, and shown day by day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self


@dataclass(frozen=True)
class Month:
    """Three midnights, UTC.

    middle: the sessions lie around it, some over, some running, some to come.
    end:    all that happens until then is drawn.
    today:  everything after it is still unknown.
    """

    middle: datetime
    end: datetime
    today: datetime

    @classmethod
    def of(cls, as_of: datetime) -> Self:
        """The month of `as_of`, as it is known at the beginning of that day.

        >>> Month.of(datetime(2026, 12, 31, 23, tzinfo=UTC)).end
        datetime.datetime(2027, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
        """
        today = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        middle = today.replace(day=15)
        return cls(middle, (middle + timedelta(days=20)).replace(day=1), today)

    @property
    def number(self) -> int:
        """Counts the months; no two have the same."""
        return self.middle.year * 12 + self.middle.month
