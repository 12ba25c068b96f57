"""The manifest's counts of each input table: in the delivery and in the warehouse."""

from flows.database.connection import Connection, quoted
from flows.database.steps import Step
from flows.staging.load import Counts
from flows.warehouse.extract_log import warehouse_state
from flows.warehouse.merge import StagedExtract
from flows.warehouse.missing_columns import delivered_columns
from schemas.columns import table_name
from schemas.inputs import INPUTS
from schemas.manifest import Manifest, TableIn


def tables_in(
    connection: Connection, staged: list[StagedExtract], counts: dict[str, Counts], live: Manifest | None
) -> dict[str, TableIn]:
    """The counts of each table. live: as in `merge`."""
    sizes = _sizes(connection)
    taken = warehouse_state(connection).taken_at
    return {
        table: TableIn(
            count.read,
            count.stored,
            count.deduplicated,
            count.rejected,
            count.pending,
            count.reasons,
            taken[table].isoformat(timespec="seconds"),
            delivery(staged, table),
            sizes[table],
            _columns(staged, table, live),
            dict(example.split(": ", 1) for example in reversed(count.examples)),
        )
        for table, count in counts.items()
    }


def delivery(staged: list[StagedExtract], table: str) -> str:
    """How a table was delivered: full, changes, full and changes, or none."""
    kinds = [it.extract.is_full for it in staged if it.extract.table == table]
    return " and ".join("full" if is_full else "changes" for is_full in kinds) or "none"


def _columns(staged: list[StagedExtract], table: str, live: Manifest | None) -> list[str]:
    before = live.tables_in[table].columns if live and table in live.tables_in else []
    return delivered_columns(
        [(it.extract, it.counts.columns) for it in staged if it.extract.table == table], before
    )


def _sizes(connection: Connection) -> dict[str, int]:
    """The number of rows of each input table."""
    stored = (
        f"SELECT {quoted(name)}, count(*) FROM {name}" for name in (table_name(model) for model in INPUTS)
    )
    return dict(connection.rows(Step(" UNION ALL ".join(stored), name="count the rows of all tables")))
