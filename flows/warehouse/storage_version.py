"""The version of the warehouse's tables: a warehouse of another version is rebuilt."""

from pathlib import Path

from flows.database.connection import HOW_TO_REBUILD, Connection
from schemas.errors import WarehouseDamaged

# To be raised whenever a stored table changes.
LAYOUT = 2


def declare(connection: Connection, warehouse: Path) -> None:
    """Let a new warehouse be of this layout.

    Raises: WarehouseDamaged if it is of another one.
    """
    tables = connection.tables()
    if not tables:
        connection.execute(f"CREATE TABLE layout AS SELECT {LAYOUT} AS version")
    elif "layout" not in tables or connection.value("SELECT version FROM layout") != LAYOUT:
        raise WarehouseDamaged(
            f"The warehouse {warehouse} was made by another version of pathstats; {HOW_TO_REBUILD}"
        )
