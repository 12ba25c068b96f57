"""The questions a report asks of a release, in SQL that anybody can ask again with `pathstats query`."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.warehouse.duck import Duck, parquet
from schemas.home import PARQUET_TABLES, Release

# Whose turn it is: current, not archived, and neither failed, nor passed, nor waiting for somebody else.
STILL_TO_DO = "('late', 'notYetStarted', 'onTime', 'toRetake')"
IS_LATE = f"status = 'late' AND detailed_status_type IN {STILL_TO_DO}"
IS_ENROLLED = "is_current AND archived_at IS NULL"


@contextmanager
def opened(release: Release) -> Iterator[Duck]:
    """The release's tables by their names, as `pathstats query` has them; in bounded memory."""
    with Duck(memory_limit="1GB") as duck:
        for table in PARQUET_TABLES:
            duck.execute(f"CREATE VIEW {table} AS FROM {parquet(release.table(table))}")
        yield duck
