"""From a source's files to the warehouse's tables: checked, folded, keyed, and swapped in as a whole."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from flows.sources.base import Extract
from flows.warehouse.checking import OF_THE_CHECK, checked_select, columns, key_text
from flows.warehouse.duck import Duck, identifier, quoted
from flows.warehouse.folding import fates, repeated_hashes
from flows.warehouse.keying import WAITING, by_id, is_keyed_while_read, keyed_while_read, ranked
from flows.warehouse.reading import present_keys, scan, unreadable
from schemas.columns import Table, key, table_name
from schemas.errors import HeldBack, SourceError
from schemas.inputs import INPUTS

_MAY_BE_EMPTY = ("step_activity",)
_QUARANTINE = (
    '"table" VARCHAR, "key" VARCHAR, reason VARCHAR, detail VARCHAR, '
    "first_seen_at TIMESTAMPTZ, run_id VARCHAR, row VARCHAR, row_in_file BIGINT"
)


@dataclass(frozen=True)
class Counts:
    """What became of a table's rows: read = stored + folded + refused; waiting ones are stored."""

    read: int
    stored: int
    folded: int
    refused: int
    waiting: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()

    @property
    def refused_share(self) -> float:
        return self.refused / self.read if self.read else 0.0


def start(duck: Duck) -> None:
    """Forget what an earlier, unfinished night left behind."""
    for model in INPUTS:
        duck.execute(f"DROP TABLE IF EXISTS {_loaded(model)}; DROP TABLE IF EXISTS {_new(model)}")
    duck.execute(f"CREATE OR REPLACE TABLE new_quarantine ({_QUARANTINE})")


def load(duck: Duck, model: type[Table], extract: Extract, *, run_id: str, as_of: datetime) -> Counts:
    """Load one table beside the current one, refused rows into quarantine.

    Raises: SourceError, naming the file and the line or column that can't be read.
    """
    wanted = list(model.to_schema().columns)
    found = scan(duck, extract.file, wanted)
    try:
        present = present_keys(duck, found, wanted)
        checked = columns(model, {name: kind for name, kind in found.types.items() if name in present})
        absent = [column.name for column in checked if column.required and column.found is None]
        if absent:
            raise SourceError(
                f"{extract.file}: table {table_name(model)} must have column {', '.join(absent)}."
            )
        rows = checked_select(model, found, checked)
        if is_keyed_while_read(model):
            duck.execute(f"CREATE OR REPLACE TABLE {_loaded(model)} AS {keyed_while_read(rows)}")
        else:
            duck.execute(f"CREATE OR REPLACE TEMP TABLE {_loaded(model)} AS {rows}")
    except duckdb.Error as error:
        raise unreadable(extract.file, error) from error
    read = int(duck.value(f"SELECT count(*) FROM {_loaded(model)}"))
    if read == 0 and table_name(model) not in _MAY_BE_EMPTY:
        raise SourceError(
            f"{extract.file}: table {table_name(model)} is empty; nothing could be published from it."
        )
    folded = _fold(duck, model)
    refused = _quarantine_refused(duck, model, run_id, as_of)
    _key(duck, model)
    ignored = tuple(name for name in found.types if name not in wanted)
    return Counts(
        read,
        read - folded - sum(refused.values()),
        folded,
        sum(refused.values()),
        reasons=refused,
        examples=_examples(duck, table_name(model)),
        ignored_columns=ignored,
    )


def _fold(duck: Duck, model: type[Table]) -> int:
    """Fold or refuse rows with repeated keys; how many were folded."""
    table = _loaded(model)
    duck.execute(f"CREATE OR REPLACE TEMP TABLE repeated_hashes AS {repeated_hashes(model, table)}")
    if not duck.value("SELECT count(*) FROM repeated_hashes"):
        return 0
    content = [name for name in duck.columns(table) if name not in OF_THE_CHECK]
    duck.execute(f"CREATE OR REPLACE TEMP TABLE fates AS {fates(model, table, content)}")
    duck.execute(
        f"UPDATE {table} SET problem = 'duplicate_key:other rows have the same key and other content', "
        f"refused_row = whole.json FROM (SELECT row_id, to_json({{{_struct(model)}}}) AS json "
        f"FROM ({by_id(model, table)}) SEMI JOIN fates USING (row_id)) AS whole "
        f"WHERE {table}.row_in_file = whole.row_id"
    )
    duck.execute(f"DELETE FROM {table} WHERE row_in_file IN (SELECT row_id FROM fates WHERE fate = 'folded')")
    return int(duck.value("SELECT count(*) FROM fates WHERE fate = 'folded'"))


def _key(duck: Duck, model: type[Table]) -> None:
    """Give the loaded rows their integer keys; what is left of the checks goes."""
    if is_keyed_while_read(model):
        duck.execute(f"ALTER TABLE {_loaded(model)} RENAME TO {_new(model)}")
    else:
        duck.execute(f"CREATE TABLE {_new(model)} AS {ranked(model, _loaded(model))}")
        duck.execute(f"DROP TABLE {_loaded(model)}")
    for column in OF_THE_CHECK:
        duck.execute(f"ALTER TABLE {_new(model)} DROP COLUMN {column}")


def _quarantine_refused(duck: Duck, model: type[Table], run_id: str, as_of: datetime) -> dict[str, int]:
    table = _loaded(model)
    detail = "substr(problem, instr(problem, ':') + 1) || ' (row ' || row_in_file || ')'"
    duck.execute(
        f"INSERT INTO new_quarantine SELECT {quoted(table_name(model))}, {key_text(model)}, "
        f"split_part(problem, ':', 1), {detail}, {_instant(as_of)}, {quoted(run_id)}, "
        f"refused_row, row_in_file "
        f"FROM {table} WHERE problem IS NOT NULL"
    )
    duck.execute(f"DELETE FROM {table} WHERE problem IS NOT NULL")
    reasons = duck.rows(
        f'SELECT reason, count(*) FROM new_quarantine WHERE "table" = {quoted(table_name(model))} '
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(reasons)


def _examples(duck: Duck, table: str) -> tuple[str, ...]:
    """One line per reason: which column, and the row where it was first met."""
    return tuple(
        f"{reason}: {detail}"
        for reason, detail in duck.rows(
            "SELECT reason, first(detail ORDER BY row_in_file) FROM new_quarantine "
            f'WHERE "table" = {quoted(table)} GROUP BY 1 ORDER BY 1'
        )
    )


def accept(
    duck: Duck, counts: dict[str, Counts], *, max_refused_share: float, run_id: str, as_of: datetime
) -> dict[str, Counts]:
    """List who waits for a partner, and make the loaded tables the warehouse's, all or none.

    Raises: HeldBack if a table's refused share passes the limit; the warehouse stays as it was.
    """
    for table, count in counts.items():
        if count.refused_share > max_refused_share:
            raise HeldBack(
                f"Table {table}: {count.refused:,} of {count.read:,} rows refused, more than the limit of "
                f"{max_refused_share:.0%} ({'; '.join(count.examples)}). "
                "Mend the source, or raise --max-refused."
            )
    waiting: dict[str, int] = {}
    with duck.transaction():
        for model in INPUTS:
            waiting[table_name(model)] = _list_waiting(duck, model, run_id, as_of)
        for model in INPUTS:
            name = identifier(table_name(model))
            duck.execute(f"DROP TABLE IF EXISTS {name}; ALTER TABLE {_new(model)} RENAME TO {name}")
        _keep_first_seen(duck)
    return {table: replace(count, waiting=waiting[table]) for table, count in counts.items()}


def _list_waiting(duck: Duck, model: type[Table], run_id: str, as_of: datetime) -> int:
    for reason, test, partner in WAITING.get(table_name(model), []):
        duck.execute(
            f"INSERT INTO new_quarantine SELECT {quoted(table_name(model))}, {key_text(model)}, "
            f"{quoted(reason)}, "
            f"{quoted(f'the partner of {partner} has not arrived')}, {_instant(as_of)}, {quoted(run_id)}, "
            f"to_json({{{_struct(model)}}}), NULL FROM {_new(model)} WHERE {test}"
        )
    return int(
        duck.value(
            f'SELECT count(*) FROM new_quarantine WHERE "table" = {quoted(table_name(model))} '
            "AND reason LIKE 'unknown%'"
        )
    )


def _keep_first_seen(duck: Duck) -> None:
    """A row that was met before keeps the time it was first met."""
    if duck.has("quarantine"):
        duck.execute(
            "UPDATE new_quarantine AS n SET first_seen_at = least(n.first_seen_at, q.first_seen_at) "
            "FROM quarantine AS q "
            'WHERE q."table" = n."table" AND q.reason = n.reason AND q.row = n.row'
        )
    duck.execute("DROP TABLE IF EXISTS quarantine; ALTER TABLE new_quarantine RENAME TO quarantine")


def _struct(model: type[Table]) -> str:
    return ", ".join(f"{quoted(name)}: {identifier(name)}" for name in model.to_schema().columns)


def _instant(moment: datetime) -> str:
    return f"TIMESTAMPTZ {quoted(moment.isoformat())}"


def _loaded(model: type[Table]) -> str:
    return f"loaded_{table_name(model)}"


def _new(model: type[Table]) -> str:
    return f"new_{table_name(model)}"


def published_rows(model: type[Table]) -> str:
    """The rows of an input table that count, or of the quarantine, in publication order."""
    names = ", ".join(identifier(name) for name in model.to_schema().columns)
    order = "ALL" if table_name(model) == "quarantine" else ", ".join(map(identifier, key(model)))
    waits = "WHERE path_key IS NOT NULL" if table_name(model) == "path_sessions" else ""
    return f"SELECT {names} FROM {identifier(table_name(model))} {waits} ORDER BY {order}"
