"""SQL views of a release for the report; `pathstats query` can run the same SQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.database.connection import Connection, parquet
from schemas.enums import STILL_TO_DO
from schemas.errors import ReleaseTooOld
from schemas.home import PARQUET_TABLES, Release
from schemas.manifest import SCHEMA_VERSION, Manifest

IS_STILL_TO_DO = f"detailed_status_type IN {STILL_TO_DO}"
IS_ENROLLED = "is_current AND archived_at IS NULL"
IS_LATE = "is_current AND is_late"


def require_present_schema(manifest: Manifest) -> None:
    """Raise ReleaseTooOld if the release may lack columns that the pages need."""
    if manifest.schema_version != SCHEMA_VERSION:
        raise ReleaseTooOld(manifest.release_id, manifest.schema_version)


@contextmanager
def opened(release: Release) -> Iterator[Connection]:
    """A connection with a view of each table of the release, as in `pathstats query`; in bounded memory."""
    with Connection(memory_limit="1GB") as connection:
        name_tables(connection, release)
        yield connection


def name_tables(connection: Connection, release: Release) -> None:
    """Create a view of each table of the release. A temporary view shadows a table of the same name."""
    connection.execute_all(
        f"CREATE OR REPLACE TEMP VIEW {table} AS FROM {parquet(release.table(table))}"
        for table in PARQUET_TABLES
    )
