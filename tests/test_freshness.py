"""How old a release and its data are, at an instant that is an argument."""

from datetime import UTC, datetime, timedelta

import pytest

from pathstats.freshness import duration, freshness, in_words
from schemas.errors import UsageError
from schemas.manifest import Manifest, TableIn

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)


def release(**taken: datetime) -> Manifest:
    tables = {name: TableIn(1, 1, 0, 0, 0, {}, data_as_of=at.isoformat()) for name, at in taken.items()}
    return Manifest("r-1", "r", AS_OF.isoformat(), AS_OF.isoformat(), "demo", tables, {}, {})


def test_the_age_of_a_release_is_that_of_its_as_of() -> None:
    assert freshness(release(), AS_OF + timedelta(hours=26)).age == timedelta(hours=26)
    assert freshness(release(), AS_OF - timedelta(hours=1)).age == timedelta(hours=-1)


@pytest.mark.parametrize(
    ("lag", "is_behind"),
    [
        (timedelta(hours=-5), False),
        (timedelta(hours=2), False),
        (timedelta(days=1), False),
        (timedelta(days=1, microseconds=1), True),
        (timedelta(days=40), True),
    ],
)
def test_a_table_is_behind_when_it_is_more_than_a_day_older_than_the_release(
    lag: timedelta, is_behind: bool
) -> None:
    fresh = freshness(release(users=AS_OF - lag, paths=AS_OF), AS_OF + timedelta(hours=3))
    users, paths = fresh.tables["users"], fresh.tables["paths"]
    assert (users.lag, users.age, users.is_behind) == (lag, lag + timedelta(hours=3), is_behind)
    assert (paths.lag, paths.age, paths.is_behind) == (timedelta(), timedelta(hours=3), False)


def test_a_release_may_be_old_and_its_data_not_behind() -> None:
    assert not freshness(release(users=AS_OF), AS_OF + timedelta(days=400)).tables["users"].is_behind


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", timedelta(minutes=90)),
        ("26h", timedelta(hours=26)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(days=14)),
        (" 0h ", timedelta()),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "26", "h", "26 h", "-1h", "1.5h", "1d12h", "26H", "1y", "٣d", "9999999d"]
)
def test_invalid_duration_is_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="90m, 26h, 3d"):
        duration(text)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 minutes"),
        (timedelta(seconds=119), "1 minute"),
        (timedelta(minutes=119, seconds=59), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=4_000, hours=23), "4,000 days"),
    ],
)
def test_in_words_it_is_rounded_down(length: timedelta, words: str) -> None:
    assert in_words(length) == words
