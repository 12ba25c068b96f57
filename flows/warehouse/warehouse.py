"""Open the warehouse of a home with all its tables."""

from pathlib import Path
from typing import Self

from flows.database.connection import Connection
from flows.run_config import DEFAULT_MEMORY_LIMIT
from flows.staging import load, surrogate_keys
from flows.warehouse import change_log, erasure, extract_log, merge, quarantine, storage_version


class Warehouse(Connection):
    """A connection to a warehouse, in which all tables exist but the required input tables.

    Those appear with their first full extract.
    """

    @classmethod
    def open(cls, file: Path | None = None, memory_limit: str = DEFAULT_MEMORY_LIMIT) -> Self:
        """Open the warehouse in the file, or a new one in memory without one.

        Raises: WarehouseDamaged if it was made by another version of pathstats, or can't be read.
        """
        warehouse = cls(file, memory_limit)
        try:
            with warehouse.transaction():
                storage_version.declare(warehouse, file)
                for module in (surrogate_keys, load, erasure, change_log, quarantine, extract_log, merge):
                    warehouse.execute_all(module.TABLES)
        except BaseException:
            warehouse.close()
            raise
        return warehouse
