"""Read a release's tables as polars frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import NoRelease, ReleaseDamaged, UnknownName
from schemas.home import Home, Release, home_at

if TYPE_CHECKING:
    import polars as pl


def scan(table: str, *, home: str | Path | None = None) -> "pl.LazyFrame":
    """A table of the latest release, read as it is asked for.

    Shape:  the table's columns as in the data dictionary; several tables of one release: `latest_release`.
    Raises: UnknownName if the table is unknown, NoRelease if nothing was published yet.
    """
    return scan_table(latest_release(home_at(home)), table)


def scan_table(release: Release, table: str) -> "pl.LazyFrame":
    """A table of one release; the frame stays readable when the release is deleted.

    Raises: UnknownName if the release contains no such table, ReleaseDamaged if its file is missing.
    """
    import polars as pl

    if table not in release.tables():
        raise UnknownName(f"Unknown table {table!r}; the release contains {', '.join(release.tables())}.")
    try:
        # polars keeps an open file of its own; given a path it would open the file when the frame is read.
        with release.table(table).open("rb") as file:
            return pl.scan_parquet(file)
    except FileNotFoundError as error:
        raise ReleaseDamaged(
            f"{release.table(table)} is missing; `pathstats verify` lists what is, "
            "`pathstats rollback` switches to another release."
        ) from error


@contextmanager
def reading(home: Home) -> Iterator[Release]:
    """The latest release, which no run deletes inside.

    Raises: as `latest_release`.
    """
    # Only here: a look-up imports the standard library alone.
    from flows.release.release_locks import in_use

    while True:
        release = latest_release(home)
        with in_use(release) as exists:
            if exists:
                yield release
                return


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
            "`pathstats rollback` switches to another one, a new run publishes one."
        )
    raise NoRelease(home.root)
