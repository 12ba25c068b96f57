"""For analysts: a release's tables as polars frames."""

from pathlib import Path
from typing import TYPE_CHECKING

from pathstats import settings
from schemas.errors import NoRelease, ReleaseDamaged, UsageError
from schemas.home import Home, Release

if TYPE_CHECKING:
    import polars as pl


def scan(table: str, *, home: str | Path | None = None) -> "pl.LazyFrame":
    """A table of the latest release, read as it is asked for.

    Shape:  the table's columns as the data dictionary says; several tables of one release: `latest_release`.
    Raises: UsageError if there is no such table, NoRelease if nothing was published yet.
    """
    return scan_table(latest_release(settings.home(home)), table)


def scan_table(release: Release, table: str) -> "pl.LazyFrame":
    """A table of one release, whatever wildcards are in its path.

    Raises: UsageError if it holds no such table.
    """
    import polars as pl

    if table not in release.tables():
        raise UsageError(f"There is no table {table!r}; the release holds {', '.join(release.tables())}.")
    return pl.scan_parquet(release.table(table), glob=False)


def latest_release(home: Home) -> Release:
    """The latest release by its own folder, which stays what it is when `latest` moves on.

    Raises: NoRelease if nothing was published yet, ReleaseDamaged if the folder is gone.
    """
    folder = home.latest.resolve()
    while not folder.is_dir() and folder != home.latest.resolve():
        # It has been replaced, and deleted, since its name was read.
        folder = home.latest.resolve()
    if folder.is_dir():
        return Release(folder)
    if home.latest.is_symlink():
        raise ReleaseDamaged(
            f"Release {folder.name} is gone from {home.releases}; "
            "`pathstats rollback` switches to another one, a new night publishes one."
        )
    raise NoRelease(home.root)
