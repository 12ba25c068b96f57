"""Merge staging tables into the warehouse, all of them or none."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from flows.database.connection import Connection, identifier, instant, quoted
from flows.run_config import Thresholds
from flows.sources.base import AppliedChanges, Extract, WarehouseState
from flows.staging.contract_sql import key_text
from flows.staging.load import Counts, drop_row_numbers, loaded, row_as_json, stored_types
from flows.staging.surrogate_keys import by_id, same_row, waits
from flows.warehouse import change_log, erasure, matched_activity, step_history
from flows.warehouse.missing_columns import delivered_columns, missing_columns
from flows.warehouse.near_matches import near_matches
from flows.warehouse.thresholds import (
    block_implausible,
    block_pending,
    block_rejections,
    block_shrinking,
)
from schemas.columns import Table, facts, key, table_name
from schemas.enums import PENDING_REASONS
from schemas.inputs import INPUTS, OPTIONAL, PathSteps, StepActivity, Waivers, model_of
from schemas.manifest import Manifest, Matched, TableIn


@dataclass(frozen=True)
class StagedExtract:
    """An extract that was loaded, and what became of its rows."""

    extract: Extract
    counts: Counts


@dataclass(frozen=True)
class Merged:
    """The result of merging a delivery into the warehouse.

    counts:   what became of each table's rows.
    matched:  how much of the stored activity refers to something known, by company.
    warnings: sentences about the data as a whole that a person should know.
    """

    counts: dict[str, Counts]
    matched: dict[str, Matched]
    warnings: list[str]


@dataclass(frozen=True)
class PendingRows:
    """The number of pending rows of a table by reason, with the missing reference in words."""

    table: str
    reason: str
    detail: str
    count: int


# Of a rejected user the key alone is published: any other column, one of a shifted line or outside the
# contract too, may contain an e-mail or a name. The warehouse keeps the row, to recognize it without a key.
_PUBLISHED_ROW = (
    "CASE WHEN \"table\" = 'users' THEN CAST("
    "json_object('company_id', row -> 'company_id', 'user_id', row -> 'user_id') AS VARCHAR) ELSE row END"
)
_WAITS = f"reason IN {PENDING_REASONS}"
_TABLES = (
    'CREATE TABLE IF NOT EXISTS quarantine ("table" VARCHAR, "key" VARCHAR, reason VARCHAR, '
    "detail VARCHAR, first_seen_at TIMESTAMPTZ, run_id VARCHAR, row VARCHAR, row_in_file BIGINT)",
    'CREATE TABLE IF NOT EXISTS extracted ("table" VARCHAR, data_as_of VARCHAR, is_full BOOLEAN, '
    "content VARCHAR)",
)


def start(connection: Connection) -> None:
    """Make what a new warehouse lacks."""
    connection.execute_all(
        [erasure.DECLARATION, *change_log.declare(), *_TABLES, *map(_optional_table, OPTIONAL)]
    )


def _optional_table(model: type[Table]) -> str:
    types = stored_types(model) | ({step_history.DATED_HERE: "BOOLEAN"} if model is Waivers else {})
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
    return f"CREATE TABLE IF NOT EXISTS {table_name(model)} ({columns})"


def warehouse_state(connection: Connection) -> WarehouseState:
    """The tables that are stored already, and when they were extracted."""
    noted = _extractions(connection)
    moments = {of: datetime.fromisoformat(it.data_as_of) for of, it in noted.items() if it.data_as_of}
    taken_at: dict[str, datetime] = {}
    for (table, _), at in moments.items():
        taken_at[table] = max(at, taken_at.get(table, at))
    return WarehouseState(
        {table: at for (table, is_full), at in moments.items() if is_full},
        taken_at,
        {table: it.content for (table, is_full), it in noted.items() if is_full and it.content},
        {
            table: AppliedChanges(it.content, are_in_whole=it.data_as_of is None)
            for (table, is_full), it in noted.items()
            if not is_full and it.content
        },
    )


class _Extraction(NamedTuple):
    """The recorded last extract of a table. data_as_of: null for changes before a full table."""

    data_as_of: str | None
    content: str | None


def _extractions(connection: Connection) -> dict[tuple[str, bool], _Extraction]:
    """The last whole extract (true) and the last changes (false) of each table."""
    rows = connection.rows('SELECT "table", is_full, data_as_of, content FROM extracted')
    return {(table, is_full): _Extraction(at, content) for table, is_full, at, content in rows}


def accept(
    connection: Connection,
    arrivals: list[StagedExtract],
    *,
    limits: Thresholds,
    run_id: str,
    as_of: datetime,
    live: Manifest | None = None,
) -> Merged:
    """Merge the loaded tables into the warehouse, all of them or nothing.

    live: the manifest of the live release, with the row counts for a new warehouse, the columns delivered
          before, and the matched activity.
    Raises: RunBlocked if a quality threshold blocks the run, SourceError if a column is missing. The
            warehouse stays as it was.
    """
    before = live.tables_in if live else {}
    block_implausible((it for arrival in arrivals for it in arrival.counts.implausible), limits)
    for arrival in arrivals:
        block_rejections(arrival.extract.table, arrival.counts, limits)
        drop_row_numbers(connection, model_of(arrival.extract.table), is_full=arrival.extract.is_full)
    with connection.transaction():
        delivered = {table for table, _ in _extractions(connection)}
        warnings = _missing_columns(connection, arrivals, before, are_allowed=limits.allow_missing_columns)
        counted = (
            _counting_enrollments(connection, pending(connection)) if "enrollments" in delivered else None
        )
        rows_before = {name: table_in.rows for name, table_in in before.items()}
        for table in (arrival.extract.table for arrival in arrivals if arrival.extract.is_full):
            block_shrinking(connection, table, limits, rows_before, is_stored=table in delivered)
        counts = {table_name(model): Counts(0, 0, 0, 0) for model in INPUTS}
        connection.execute(f"CREATE OR REPLACE TEMP TABLE quarantined AS FROM quarantine WHERE NOT {_WAITS}")
        _note_known_paths(connection, delivered)
        for arrival in arrivals:
            model, table = model_of(arrival.extract.table), arrival.extract.table
            _quarantine(connection, model, arrival.extract, run_id, as_of)
            if model is StepActivity and not arrival.extract.is_full:
                changed = matched_activity.matched(connection, loaded(model, is_full=False))
                warnings += matched_activity.low_shares(changed, limits.min_matched, arrival.extract.name)
            older = (_replace if arrival.extract.is_full else _merge)(
                connection, model, arrival.extract, is_stored=table in delivered or model in OPTIONAL
            )
            delivered.add(table)
            counts[table] = _sum(counts[table], arrival.counts, older)
        _note_extractions(connection, arrivals)
        _list_pending(connection, run_id, as_of)
        _keep_first_seen(connection)
        rows = pending(connection)
        hints = near_matches(connection, delivered)
        if "enrollments" in delivered:
            counting = _counting_enrollments(connection, rows)
            block_pending(limits, counted, counting, pending_by_reason(rows, "enrollments"), hints)
        matched = matched_activity.matched(connection) if delivered >= matched_activity.REFERRED_TO else {}
        matched_activity.block_falling_share(matched, live.matched if live else {}, limits, hints)
        warnings += [*matched_activity.low_shares(matched, limits.min_matched, "step_activity"), *hints]
    return Merged(
        {
            table: replace(count, pending=pending_by_reason(rows, table).total())
            for table, count in counts.items()
            if table in delivered
        },
        matched,
        warnings,
    )


def _missing_columns(
    connection: Connection, arrivals: list[StagedExtract], before: dict[str, TableIn], *, are_allowed: bool
) -> list[str]:
    """The warnings about columns that a delivery lacks and an earlier one had, or a table in the same run."""
    columns = {name: table_in.columns for name, table_in in before.items()}
    warnings = []
    for extract, these in ((it.extract, it.counts.columns) for it in arrivals):
        known = columns.get(extract.table, [])
        warnings += missing_columns(connection, extract, these, known, are_allowed=are_allowed)
        # Changes should have what the whole table has that came with them.
        columns[extract.table] = list(dict.fromkeys([*known, *these]))
    return warnings


def warnings_of(arrivals: list[StagedExtract]) -> list[str]:
    """The warnings about each table alone."""
    return [it for one in arrivals for it in (*one.counts.warnings, *one.counts.implausible)]


def pending(connection: Connection) -> list[PendingRows]:
    """The stored rows with a missing reference."""
    rows = connection.rows(
        f'SELECT "table", reason, detail, count(*) FROM quarantine WHERE {_WAITS} GROUP BY ALL ORDER BY ALL'
    )
    return [PendingRows(*row) for row in rows]


def pending_by_reason(rows: list[PendingRows], table: str) -> Counter[str]:
    """How many of a table's rows wait, by reason."""
    reasons: Counter[str] = Counter()
    for row in (row for row in rows if row.table == table):
        reasons[row.reason] += row.count
    return reasons


def _counting_enrollments(connection: Connection, rows: list[PendingRows]) -> int:
    """The number of enrollments without a missing reference."""
    stored = int(connection.value("SELECT count(*) FROM enrollments"))
    return stored - pending_by_reason(rows, "enrollments").total()


def _sum(one: Counts, other: Counts, older: int) -> Counts:
    """The counts of a table's extracts; rows older than the stored ones turned out to be deduplicated."""
    reasons = dict(one.reasons)
    for reason, count in other.reasons.items():
        reasons[reason] = reasons.get(reason, 0) + count
    return Counts(
        one.read + other.read,
        one.stored + other.stored - older,
        one.deduplicated + other.deduplicated + older,
        one.rejected + other.rejected,
        reasons=reasons,
        examples=(*one.examples, *other.examples),
        ignored_columns=tuple(dict.fromkeys((*one.ignored_columns, *other.ignored_columns))),
        misspelt=one.misspelt | other.misspelt,
        warnings=(*one.warnings, *other.warnings),
        implausible=(*one.implausible, *other.implausible),
    )


def _replace(connection: Connection, model: type[Table], extract: Extract, *, is_stored: bool) -> int:
    """The loaded table takes the place of the stored one."""
    fresh = loaded(model, is_full=True)
    if model in step_history.DATED:
        _date(connection, model, fresh, extract, is_stored=is_stored)
    taking = _taking_the_place if is_stored else _taking_a_new_place
    connection.execute_all(taking(model, fresh))
    return 0


def _taking_a_new_place(model: type[Table], fresh: str) -> list[str]:
    name = table_name(model)
    return [change_log.mark_table(name), f"ALTER TABLE {fresh} RENAME TO {name}"]


def _taking_the_place(model: type[Table], fresh: str) -> list[str]:
    name = table_name(model)
    return [
        *change_log.marks(model, name, fresh),
        f"DROP TABLE {name}",
        f"ALTER TABLE {fresh} RENAME TO {name}",
    ]


def _merge(connection: Connection, model: type[Table], extract: Extract, *, is_stored: bool) -> int:
    """The loaded rows replace the stored ones of their keys, or are new; how many were older than those."""
    name, fresh = table_name(model), loaded(model, is_full=False)
    if model in step_history.DATED:
        _date(connection, model, fresh, extract, is_stored=is_stored)
        connection.execute_all(_taking_the_place(model, fresh))
        return 0
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE met AS SELECT s.rowid AS stored_row, n.rowid AS fresh_row, s.* "
        f"FROM {name} AS s JOIN {fresh} AS n ON {same_row(model, 's', 'n')}"
    )
    older = _drop_older(connection, model, fresh)
    connection.execute_all(
        [
            *change_log.marks(model, "met", fresh),
            f"DELETE FROM {name} WHERE rowid IN (SELECT stored_row FROM met)",
            f"INSERT INTO {name} BY NAME FROM {fresh}",
            f"DROP TABLE {fresh}",
        ]
    )
    return older


def _drop_older(connection: Connection, model: type[Table], fresh: str) -> int:
    """Leave out rows with a later version that is stored already."""
    version = facts(model).get("version")
    if version is None:
        return 0
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE older AS SELECT stored_row, fresh_row FROM met "
        f"JOIN {fresh} AS n ON n.rowid = fresh_row WHERE n.{version} < met.{version}"
    )
    connection.execute("DELETE FROM met WHERE stored_row IN (SELECT stored_row FROM older)")
    connection.execute(f"DELETE FROM {fresh} WHERE rowid IN (SELECT fresh_row FROM older)")
    return int(connection.value("SELECT count(*) FROM older"))


def _note_extractions(connection: Connection, arrivals: list[StagedExtract]) -> None:
    """Note what was read: of changes before a whole table only the content, to recognize them."""
    noted = _extractions(connection)
    for extract in (arrival.extract for arrival in arrivals):
        if extract.is_full and (changes := noted.pop((extract.table, False), None)):
            noted[extract.table, False] = changes._replace(data_as_of=None)
        noted[extract.table, extract.is_full] = _Extraction(extract.data_as_of.isoformat(), extract.content)
    values = (
        f"({quoted(table)}, {_or_null(it.data_as_of)}, {is_full}, {_or_null(it.content)})"
        for (table, is_full), it in noted.items()
    )
    if noted:
        connection.execute_all(["DELETE FROM extracted", f"INSERT INTO extracted VALUES {', '.join(values)}"])


def _or_null(text: str | None) -> str:
    return "NULL" if text is None else quoted(text)


def _note_known_paths(connection: Connection, delivered: set[str]) -> None:
    """The paths that are not new: what waives their steps is known, once the table has been delivered."""
    rows = "path_steps" if {"path_steps", "waivers"} <= delivered else "path_keys WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE known_paths AS SELECT DISTINCT path_key FROM {rows}")


def _date(
    connection: Connection, model: type[Table], fresh: str, extract: Extract, *, is_stored: bool
) -> None:
    stored = table_name(model)
    if not is_stored:
        stored = f"(SELECT *, false AS {step_history.DATED_HERE} FROM {fresh} WHERE false)"
    known_paths = stored if model is PathSteps else "known_paths"
    # What the warehouse has was so when it was taken: another definition can't have begun before, whatever
    # date its file carries.
    at = max(
        extract.data_as_of, warehouse_state(connection).taken_at.get(table_name(model), extract.data_as_of)
    )
    versions = step_history.dated(model, fresh, stored, known_paths, at, is_full=extract.is_full)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE versions AS {versions}")
    connection.execute(f"CREATE OR REPLACE TABLE {fresh} AS FROM versions")


def _quarantine(
    connection: Connection, model: type[Table], extract: Extract, run_id: str, as_of: datetime
) -> None:
    """Keep earlier rejected rows until the full table, or the row's key, is delivered again."""
    rejected = f'rejected WHERE "table" = {quoted(table_name(model))} AND is_full = {extract.is_full}'
    delivered = by_id(model, loaded(model, is_full=extract.is_full))
    again = "true"
    if not extract.is_full:
        again = (
            f'"key" IN (SELECT {key_text(model)} FROM ({delivered})) '
            f'OR "key" IN (SELECT "key" FROM {rejected}) '
            f"OR row IN (SELECT row FROM {rejected})"
        )
    connection.execute_all(
        [
            f'DELETE FROM quarantined WHERE "table" = {quoted(table_name(model))} AND ({again})',
            f"INSERT INTO quarantined SELECT * EXCLUDE (row, row_in_file, is_full), {instant(as_of)}, "
            f"{quoted(run_id)}, row, row_in_file FROM {rejected}",
        ]
    )


def _list_pending(connection: Connection, run_id: str, as_of: datetime) -> None:
    """The stored rows with a missing reference."""
    for model, pending in ((model, waits(model)) for model in INPUTS):
        if pending:
            rows = (
                f"(FROM (SELECT *, {pending} AS pending FROM {table_name(model)}) WHERE pending IS NOT NULL)"
            )
            connection.execute(
                f"INSERT INTO quarantined SELECT {quoted(table_name(model))}, {key_text(model)}, "
                f"split_part(pending, ':', 1), split_part(pending, ':', 2), "
                f"{instant(as_of)}, {quoted(run_id)}, {row_as_json(model)}, NULL FROM ({by_id(model, rows)})"
            )


def _keep_first_seen(connection: Connection) -> None:
    """Preserve first_seen_at of rows already in quarantine."""

    def users_of(table: str) -> str:
        return f"""SELECT row FROM {table} WHERE "table" = 'users'"""

    connection.execute_all(
        [
            "UPDATE quarantined AS n SET first_seen_at = least(n.first_seen_at, q.first_seen_at) "
            "FROM quarantine AS q "
            'WHERE q."table" = n."table" AND q.reason = n.reason AND q.row = n.row',
            erasure.note("quarantine", f"EXISTS ({users_of('quarantine')} EXCEPT {users_of('quarantined')})"),
            "DELETE FROM quarantine",
            "INSERT INTO quarantine BY NAME FROM quarantined",
        ]
    )


def tables_in(
    connection: Connection, arrivals: list[StagedExtract], counts: dict[str, Counts], live: Manifest | None
) -> dict[str, TableIn]:
    """The counts of each table's rows in the delivery and in the warehouse. live: as in `accept`."""
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
            delivery(arrivals, table),
            sizes[table],
            _columns(arrivals, table, live),
            dict(example.split(": ", 1) for example in reversed(count.examples)),
        )
        for table, count in counts.items()
    }


def _columns(arrivals: list[StagedExtract], table: str, live: Manifest | None) -> list[str]:
    before = live.tables_in[table].columns if live and table in live.tables_in else []
    these = [(it.extract, it.counts.columns) for it in arrivals if it.extract.table == table]
    return delivered_columns(these, before)


def _sizes(connection: Connection) -> dict[str, int]:
    """The number of rows of each input table."""
    stored = (
        f"SELECT {quoted(name)}, count(*) FROM {name}" for name in (table_name(model) for model in INPUTS)
    )
    return dict(connection.rows(" UNION ALL ".join(stored)))


def delivery(arrivals: list[StagedExtract], table: str) -> str:
    """How a table came: full, changes, full and changes, or none."""
    kinds = [arrival.extract.is_full for arrival in arrivals if arrival.extract.table == table]
    return " and ".join("full" if is_full else "changes" for is_full in kinds) or "none"


def published_rows(model: type[Table]) -> str:
    """The query for the rows of an input table, in the contract's columns; only sessions of known paths."""
    name = table_name(model)
    names = ", ".join(identifier(column) for column in model.to_schema().columns)
    if name == "quarantine":
        return f"SELECT {names} FROM (SELECT * REPLACE ({_PUBLISHED_ROW} AS row) FROM quarantine)"
    counting = "WHERE path_key IN (SELECT path_key FROM paths)" if name == "path_sessions" else ""
    return f"SELECT {names} FROM ({by_id(model, f'(FROM {name} {counting})')})"


def published_order(model: type[Table]) -> str:
    """The columns that order published rows; quarantine can contain a row twice."""
    is_quarantine = table_name(model) == "quarantine"
    return ", ".join(map(identifier, model.to_schema().columns if is_quarantine else key(model)))
