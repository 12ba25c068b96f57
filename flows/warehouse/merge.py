"""Merge staging tables into the warehouse, all of them or none."""

from dataclasses import dataclass, replace
from datetime import datetime

from flows.database.connection import Connection, identifier
from flows.database.steps import Step
from flows.run_config import Thresholds
from flows.sources.base import Extract
from flows.staging.load import Counts, drop_row_numbers, staging_table, stored_types
from flows.staging.surrogate_keys import same_row
from flows.warehouse import change_log, extract_log, matched_activity, step_history
from flows.warehouse.missing_columns import missing_columns
from flows.warehouse.near_matches import near_matches
from flows.warehouse.quarantine import NextQuarantine, PendingRows, pending_by_reason, pending_rows
from flows.warehouse.thresholds import (
    block_implausible,
    block_pending,
    block_rejections,
    block_shrinking,
)
from schemas.columns import Table, facts, table_name
from schemas.inputs import INPUTS, OPTIONAL, PathSteps, StepActivity, Waivers, model_of
from schemas.manifest import Manifest, Matched, TableIn


@dataclass(frozen=True)
class StagedExtract:
    """An extract that was loaded into its staging table, and the counts of its rows."""

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


def _optional_table(model: type[Table]) -> Step:
    types = stored_types(model) | ({step_history.DATED_HERE: "BOOLEAN"} if model is Waivers else {})
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
    name = table_name(model)
    return Step(f"CREATE TABLE IF NOT EXISTS {name} ({columns})", name=f"declare {name}")


TABLES = tuple(map(_optional_table, OPTIONAL))


def merge(
    connection: Connection,
    staged: list[StagedExtract],
    *,
    thresholds: Thresholds,
    run_id: str,
    as_of: datetime,
    live: Manifest | None = None,
) -> Merged:
    """Merge the staging tables into the warehouse, all of them or none.

    live: the manifest of the live release: the row counts to compare a new warehouse with, the columns
          delivered before, and the matched activity.
    Raises: RunBlocked if a quality threshold blocks the run, SourceError if a column is missing. The
            warehouse stays as it was.
    """
    before = live.tables_in if live else {}
    block_implausible((text for it in staged for text in it.counts.implausible), thresholds)
    for it in staged:
        block_rejections(it.extract.table, it.counts, thresholds)
        drop_row_numbers(connection, model_of(it.extract.table), is_full=it.extract.is_full)
    with connection.transaction():
        delivered = extract_log.delivered_tables(connection)
        warnings = _missing_columns(connection, staged, before, are_allowed=thresholds.allow_missing_columns)
        counted = (
            _counting_enrollments(connection, pending_rows(connection))
            if "enrollments" in delivered
            else None
        )
        rows_before = {name: table_in.rows for name, table_in in before.items()}
        for table in (it.extract.table for it in staged if it.extract.is_full):
            block_shrinking(connection, table, thresholds, rows_before, is_stored=table in delivered)
        counts = {table_name(model): Counts(0, 0, 0, 0) for model in INPUTS}
        quarantine = NextQuarantine(connection, run_id, as_of)
        known_paths = _known_paths(connection, delivered)
        for it in staged:
            model, table = model_of(it.extract.table), it.extract.table
            quarantine.replace_rejected(it.extract)
            if model is StepActivity and not it.extract.is_full:
                changed = matched_activity.matched(connection, staging_table(model, is_full=False))
                warnings += matched_activity.low_shares(changed, thresholds.min_matched, it.extract.name)
            is_stored = table in delivered or model in OPTIONAL
            older = _store(connection, model, it.extract, known_paths, is_stored=is_stored)
            delivered.add(table)
            counts[table] = _sum(counts[table], it.counts, older)
        extract_log.record(connection, (it.extract for it in staged))
        quarantine.store()
        pending = pending_rows(connection)
        hints = near_matches(connection, delivered)
        if "enrollments" in delivered:
            counting = _counting_enrollments(connection, pending)
            block_pending(thresholds, counted, counting, pending_by_reason(pending, "enrollments"), hints)
        matched = matched_activity.matched(connection) if delivered >= matched_activity.REFERRED_TO else {}
        matched_activity.block_falling_share(matched, live.matched if live else {}, thresholds, hints)
        warnings += [*matched_activity.low_shares(matched, thresholds.min_matched, "step_activity"), *hints]
    return Merged(
        {
            table: replace(count, pending=pending_by_reason(pending, table).total())
            for table, count in counts.items()
            if table in delivered
        },
        matched,
        warnings,
    )


def _missing_columns(
    connection: Connection, staged: list[StagedExtract], before: dict[str, TableIn], *, are_allowed: bool
) -> list[str]:
    """The warnings about columns that a delivery lacks and an earlier one had, or a table in the same run."""
    columns = {name: table_in.columns for name, table_in in before.items()}
    warnings = []
    for extract, these in ((it.extract, it.counts.columns) for it in staged):
        known = columns.get(extract.table, [])
        warnings += missing_columns(connection, extract, these, known, are_allowed=are_allowed)
        # Changes should have the columns of the full table that came with them.
        columns[extract.table] = list(dict.fromkeys([*known, *these]))
    return warnings


def warnings_of(staged: list[StagedExtract]) -> list[str]:
    """The warnings about each table alone."""
    return [text for it in staged for text in (*it.counts.warnings, *it.counts.implausible)]


def _counting_enrollments(connection: Connection, pending: list[PendingRows]) -> int:
    """The number of enrollments without a missing reference."""
    stored = int(connection.value(Step("SELECT count(*) FROM enrollments", name="count enrollments")))
    return stored - pending_by_reason(pending, "enrollments").total()


def _sum(one: Counts, other: Counts, older: int) -> Counts:
    """The counts of a table's extracts. older: stored rows that turned out to be deduplicated."""
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


def _store(
    connection: Connection, model: type[Table], extract: Extract, known_paths: str, *, is_stored: bool
) -> int:
    """Store a staging table; the number of rows left out because a later version was stored already."""
    staging = staging_table(model, is_full=extract.is_full)
    is_dated = model in step_history.DATED
    if is_dated:
        _date(connection, model, extract, known_paths, is_stored=is_stored)
    if extract.is_full or is_dated:
        connection.execute_all(_replaced(model, staging, is_stored=is_stored or not extract.is_full))
        return 0
    return _upsert(connection, model, staging)


def _replaced(model: type[Table], staging: str, *, is_stored: bool) -> list[str]:
    """The statements by which the staging table becomes the stored one."""
    name = table_name(model)
    rename = Step(f"ALTER TABLE {staging} RENAME TO {name}", name=f"store {name}")
    if not is_stored:
        return [change_log.log_table(name), rename]
    return [
        *change_log.log_changes(model, name, staging),
        Step(f"DROP TABLE {name}", name=f"drop the old {name}"),
        rename,
    ]


def _upsert(connection: Connection, model: type[Table], staging: str) -> int:
    """Replace the stored rows that have a key of the staging table; the number of rows that were older."""
    name = table_name(model)
    connection.execute(
        Step(
            "CREATE OR REPLACE TEMP TABLE replaced AS "
            "SELECT s.rowid AS stored_row, n.rowid AS staged_row, s.* "
            f"FROM {name} AS s JOIN {staging} AS n ON {same_row(model, 's', 'n')}",
            name=f"find the stored rows of {name} to replace",
        )
    )
    older = _drop_older(connection, model, staging)
    connection.execute_all(
        [
            *change_log.log_changes(model, "replaced", staging),
            Step(
                f"DELETE FROM {name} WHERE rowid IN (SELECT stored_row FROM replaced)",
                name=f"delete the replaced rows of {name}",
            ),
            Step(f"INSERT INTO {name} BY NAME FROM {staging}", name=f"insert the changed rows of {name}"),
            Step(f"DROP TABLE {staging}", name=f"drop {staging}"),
        ]
    )
    return older


def _drop_older(connection: Connection, model: type[Table], staging: str) -> int:
    """Leave out rows with a later version that is stored already."""
    version = facts(model).get("version")
    if version is None:
        return 0
    connection.execute_all(
        [
            Step(
                "CREATE OR REPLACE TEMP TABLE older AS SELECT stored_row, staged_row FROM replaced "
                f"JOIN {staging} AS n ON n.rowid = staged_row WHERE n.{version} < replaced.{version}",
                name=f"find rows of {staging} that are older than the stored ones",
            ),
            Step(
                "DELETE FROM replaced WHERE stored_row IN (SELECT stored_row FROM older)",
                name="keep the newer stored rows",
            ),
            Step(
                f"DELETE FROM {staging} WHERE rowid IN (SELECT staged_row FROM older)",
                name=f"drop the older rows of {staging}",
            ),
        ]
    )
    return int(connection.value(Step("SELECT count(*) FROM older", name="count older rows")))


def _known_paths(connection: Connection, delivered: set[str]) -> str:
    """The table of paths with known waivers: path_key. Empty until waivers have been delivered once."""
    rows = "path_steps" if {"path_steps", "waivers"} <= delivered else "path_keys WHERE false"
    connection.execute(
        Step(
            f"CREATE OR REPLACE TEMP TABLE known_paths AS SELECT DISTINCT path_key FROM {rows}",
            name="note the paths that are not new",
        )
    )
    return "known_paths"


def _date(
    connection: Connection, model: type[Table], extract: Extract, known_paths: str, *, is_stored: bool
) -> None:
    """Replace the rows of a staging table by all versions of the definitions (see `step_history`)."""
    staging, stored = staging_table(model, is_full=extract.is_full), table_name(model)
    if not is_stored:
        stored = f"(SELECT *, false AS {step_history.DATED_HERE} FROM {staging} WHERE false)"
    # A stored definition was valid when it was extracted: another one can't have begun before, whatever date
    # its file carries.
    extracted_at = extract_log.warehouse_state(connection).taken_at
    at = max(extract.data_as_of, extracted_at.get(table_name(model), extract.data_as_of))
    versions = step_history.dated(
        model, staging, stored, stored if model is PathSteps else known_paths, at, is_full=extract.is_full
    )
    connection.execute_all(
        [
            Step(
                f"CREATE OR REPLACE TEMP TABLE versions AS {versions}", name=f"date the versions of {staging}"
            ),
            Step(
                f"CREATE OR REPLACE TABLE {staging} AS FROM versions", name=f"replace {staging} by versions"
            ),
        ]
    )
