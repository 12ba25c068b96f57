"""The quarantine: rejected rows until they are delivered again, and pending rows as of this run."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flows.database.connection import Connection, instant, quoted
from flows.database.steps import Step
from flows.sources.base import Extract
from flows.staging.contract_sql import key_text
from flows.staging.load import row_as_json, staging_table
from flows.staging.surrogate_keys import by_id
from flows.warehouse import erasure
from flows.warehouse.missing_references import missing_reference
from schemas.columns import Table, table_name
from schemas.enums import PENDING_REASONS
from schemas.inputs import INPUTS, model_of

TABLES = (
    Step(
        'CREATE TABLE IF NOT EXISTS quarantine ("table" VARCHAR, "key" VARCHAR, reason VARCHAR, '
        "detail VARCHAR, first_seen_at TIMESTAMPTZ, run_id VARCHAR, row VARCHAR, row_in_file BIGINT)",
        name="declare the quarantine",
    ),
)
_IS_PENDING = f"reason IN {PENDING_REASONS}"


@dataclass(frozen=True)
class PendingRows:
    """The number of pending rows of a table by reason, with the missing reference in words."""

    table: str
    reason: str
    detail: str
    count: int


class NextQuarantine:
    """The quarantine of a run, built in a temporary table until it replaces the stored one."""

    def __init__(self, connection: Connection, run_id: str, as_of: datetime) -> None:
        self._connection = connection
        self._seen = f"{instant(as_of)}, {quoted(run_id)}"
        connection.execute(
            Step(
                f"CREATE OR REPLACE TEMP TABLE next_quarantine AS FROM quarantine WHERE NOT {_IS_PENDING}",
                name="start the next quarantine with the stored rejected rows",
            )
        )

    def replace_rejected(self, extract: Extract) -> None:
        """Replace the rejected rows of a full table; of changes those with a key that is delivered again."""
        model, table = model_of(extract.table), quoted(extract.table)
        rejected = f'rejected WHERE "table" = {table} AND is_full = {extract.is_full}'
        delivered = by_id(model, staging_table(model, is_full=extract.is_full))
        again = (
            "true"
            if extract.is_full
            else f'"key" IN (SELECT {key_text(model)} FROM ({delivered})) '
            f'OR "key" IN (SELECT "key" FROM {rejected}) '
            f"OR row IN (SELECT row FROM {rejected})"
        )
        self._connection.execute_all(
            [
                Step(
                    f'DELETE FROM next_quarantine WHERE "table" = {table} AND ({again})',
                    name=f"remove rows of {extract.table} that were delivered again",
                ),
                Step(
                    "INSERT INTO next_quarantine SELECT * EXCLUDE (row, row_in_file, is_full), "
                    f"{self._seen}, row, row_in_file FROM {rejected}",
                    name=f"add the rejected rows of {extract.table}",
                ),
            ]
        )

    def store(self) -> None:
        """Add the pending rows, and replace the stored quarantine."""
        for model in INPUTS:
            self._add_pending(model)

        def users_of(table: str) -> str:
            return f"""SELECT row FROM {table} WHERE "table" = 'users'"""

        self._connection.execute_all(
            [
                Step(
                    "UPDATE next_quarantine AS n "
                    "SET first_seen_at = least(n.first_seen_at, q.first_seen_at) FROM quarantine AS q "
                    'WHERE q."table" = n."table" AND q.reason = n.reason AND q.row = n.row',
                    name="preserve first_seen_at of rows already in quarantine",
                ),
                erasure.note(
                    "quarantine",
                    f"EXISTS ({users_of('quarantine')} EXCEPT {users_of('next_quarantine')})",
                ),
                Step("DELETE FROM quarantine", name="clear the quarantine"),
                Step("INSERT INTO quarantine BY NAME FROM next_quarantine", name="store the quarantine"),
            ]
        )

    def _add_pending(self, model: type[Table]) -> None:
        missing = missing_reference(model)
        if missing is None:
            return
        name = table_name(model)
        rows = f"(FROM (SELECT *, {missing} AS pending FROM {name}) WHERE pending IS NOT NULL)"
        self._connection.execute(
            Step(
                f"INSERT INTO next_quarantine SELECT {quoted(name)}, {key_text(model)}, "
                f"split_part(pending, ':', 1), split_part(pending, ':', 2), "
                f"{self._seen}, {row_as_json(model)}, NULL FROM ({by_id(model, rows)})",
                name=f"add the pending rows of {name}",
            )
        )


def pending_rows(connection: Connection) -> list[PendingRows]:
    """The stored rows with a missing reference."""
    rows = connection.rows(
        Step(
            f'SELECT "table", reason, detail, count(*) FROM quarantine WHERE {_IS_PENDING} '
            "GROUP BY ALL ORDER BY ALL",
            name="count pending rows",
        )
    )
    return [PendingRows(*row) for row in rows]


def pending_by_reason(rows: list[PendingRows], table: str) -> Counter[str]:
    """The number of a table's pending rows, by reason."""
    reasons: Counter[str] = Counter()
    for row in (row for row in rows if row.table == table):
        reasons[row.reason] += row.count
    return reasons
