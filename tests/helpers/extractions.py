"""Extractions of a fake platform, with settings and time as a test wants them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.sources.base import EMPTY_WAREHOUSE, DataWarning, Extract, WarehouseState
from flows.sources.learning360 import Learning360
from flows.sources.learning360.settings import Settings
from flows.sources.page_store import Landing, landings
from tests.helpers import virtual_time
from tests.helpers.fake_platform import BASE, CLIENT_ID, SECRET, FakePlatform
from tests.helpers.small_company import SUBSCRIPTION

AS_OF = datetime(2026, 3, 10, 2, tzinfo=UTC)
TABLES = ("users", "paths", "path_steps", "path_sessions", "enrollments", "step_activity")


def settings(**changes: Any) -> Settings:
    given = {
        "base_url": BASE,
        "company_id": "acme",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "subscription": SUBSCRIPTION,
    }
    return Settings(**(given | changes))


def source(platform: FakePlatform, **changes: Any) -> Learning360:
    return Learning360(settings(**changes), platform.transport, virtual_time.run)


def land(
    platform: FakePlatform, kept: Path, stored: WarehouseState = EMPTY_WAREHOUSE, **changes: Any
) -> Landing:
    """Only read; nothing is made of it."""
    kept.mkdir(exist_ok=True)
    return source(platform, **changes).land(kept, AS_OF, stored)


def extracted(
    platform: FakePlatform, kept: Path, stored: WarehouseState = EMPTY_WAREHOUSE, **changes: Any
) -> dict[str, pl.DataFrame]:
    """The tables of one extraction; the name of one that is not whole begins with `changes of `."""
    return delivered(platform, kept, stored, **changes)[0]


def delivered(
    platform: FakePlatform, kept: Path, stored: WarehouseState = EMPTY_WAREHOUSE, **changes: Any
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The tables of one extraction, and its warnings."""
    scratch = kept / "extracts"
    scratch.mkdir(parents=True, exist_ok=True)
    items = list(source(platform, **changes).extract(scratch, AS_OF, stored))
    tables = {item.name: pl.read_parquet(item.file) for item in items if isinstance(item, Extract)}
    return tables, [str(item) for item in items if isinstance(item, DataWarning)]


def held_after(kept: Path) -> WarehouseState:
    """The state of a warehouse after the last extraction was merged."""
    at = landings(kept)[0][1].data_as_of
    return WarehouseState(dict.fromkeys(TABLES, at), dict.fromkeys(TABLES, at))


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The columns' values, in their order."""
    return sorted(frame.select(columns).rows(), key=str)


def landed(landing: Landing) -> dict[str, list[dict[str, Any]]]:
    """All rows that were landed, by list."""
    return {name: list(landing.rows_of(name)) for name in landing.names()}
