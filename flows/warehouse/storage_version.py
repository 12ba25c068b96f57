"""The version of the warehouse's tables: a warehouse of another version is rebuilt."""

from pathlib import Path

from flows.database.connection import HOW_TO_REBUILD, Connection
from flows.database.steps import Step
from schemas.errors import WarehouseDamaged

# Increase it whenever a stored table changes.
LAYOUT = 2
_READ_VERSION = Step("SELECT version FROM layout", name="read the layout's version")


def declare(connection: Connection, warehouse: Path | None) -> None:
    """Write the layout's version into a new warehouse.

    Raises: WarehouseDamaged if it is of another one.
    """
    tables = connection.tables()
    if not tables:
        statement = f"CREATE TABLE layout AS SELECT {LAYOUT} AS version"
        connection.execute(Step(statement, name="declare the layout"))
    elif "layout" not in tables or connection.value(_READ_VERSION) != LAYOUT:
        raise WarehouseDamaged(
            f"The warehouse {warehouse} was made by another version of pathstats; {HOW_TO_REBUILD}"
        )
