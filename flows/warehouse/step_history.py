"""The history of step definitions and waivers, for sources that only deliver the present definitions.

Where a definition comes without valid_from and valid_to and differs from the one the warehouse has, that one
ends when the new one was extracted, and the new one begins: archived enrollments and runs for a past as_of
keep the definition of their day. Versions with dates from the source keep them, for as long as
the source dates them. A waiver consists of its key: it exists or not. A new title is not a new definition: it
replaces the title of the versions without an end. This module only builds SQL text; `merge` executes it.
"""

from datetime import datetime

from flows.database.connection import identifier, instant
from flows.staging.surrogate_keys import stored_columns, stored_key
from schemas.columns import Table, descriptive
from schemas.inputs import PathSteps, Waivers

# Whether the warehouse dated the version itself.
DATED_HERE = "dated_here"
_DATES = ("valid_from", "valid_to")
# The tables that have a history.
DATED: tuple[type[Table], ...] = (PathSteps, Waivers)


def dated(
    model: type[Table], delivered: str, stored: str, known_paths: str, at: datetime, *, is_full: bool
) -> str:
    """The query for all versions of all rows, once the delivered ones are known.

    The definitions of a new path are valid from the beginning, new ones of a known path from their extract.
    No definition starts before the one it follows, however early it was extracted.

    delivered:   the loaded rows. stored: the versions so far. at: when the rows were extracted.
    known_paths: a relation with the path_key of each path that had rows of the model before.
    """
    it = ", ".join(name for name in stored_key(model) if name not in _DATES)
    undefining = (*_DATES, *it.split(", "), *descriptive(model))
    definition = [name for name in stored_columns(model) if name not in undefining]
    moment = instant(at)
    same = " AND ".join(f"o.{identifier(n)} IS NOT DISTINCT FROM u.{identifier(n)}" for n in definition)

    def among(table: str) -> str:
        return f"({it}) IN (SELECT ({it}) FROM {table})"

    gone = f"OR {DATED_HERE} AND NOT ({among('by_source')})" if is_full else ""
    is_known = f"path_key IN (SELECT path_key FROM {known_paths})"
    return f"""
    WITH by_source AS (
      SELECT * FROM {delivered} WHERE ({it}) IN (
        SELECT ({it}) FROM {delivered} WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL)),
    undated AS (SELECT * FROM {delivered} WHERE NOT ({among("by_source")})),
    so_far AS (
      SELECT * REPLACE (true AS {DATED_HERE}) FROM {stored} WHERE {among("undated")} {gone}),
    over AS (
      SELECT {it}, greatest({moment}, max(valid_from), max(valid_to)) AS ends
      FROM so_far GROUP BY {it}),
    latest AS (
      FROM so_far WHERE valid_to IS NULL
      QUALIFY row_number() OVER (PARTITION BY {it} ORDER BY valid_from DESC NULLS LAST) = 1),
    unchanged AS (
      SELECT {it}{"".join(f", u.{name}" for name in descriptive(model))}
      FROM latest AS o JOIN undated AS u USING ({it}) WHERE {same})
    SELECT o.* {_newest_description(model)} FROM so_far AS o JOIN unchanged AS u USING ({it})
    UNION ALL BY NAME
    SELECT * EXCLUDE (ends) REPLACE (coalesce(valid_to, ends) AS valid_to)
    FROM so_far JOIN over USING ({it})
    WHERE NOT ({among("unchanged")}) AND (valid_to IS NOT NULL OR valid_from IS DISTINCT FROM ends)
    UNION ALL BY NAME
    SELECT * EXCLUDE (ends) REPLACE (coalesce(ends, CASE WHEN {is_known} THEN {moment} END) AS valid_from),
      true AS {DATED_HERE}
    FROM undated LEFT JOIN over USING ({it}) WHERE NOT ({among("unchanged")})
    UNION ALL BY NAME
    SELECT *, false AS {DATED_HERE} FROM by_source
    {"" if is_full else _unspoken_of(stored, it)}"""


def _newest_description(model: type[Table]) -> str:
    """A REPLACE clause: versions without an end get the description that was delivered last."""
    newest = ", ".join(
        f"CASE WHEN o.valid_to IS NULL THEN u.{name} ELSE o.{name} END AS {name}"
        for name in descriptive(model)
    )
    return f"REPLACE ({newest})" if newest else ""


def _unspoken_of(stored: str, it: str) -> str:
    """Keep rows that changes do not mention; dates from the source replace our own."""
    return f"""
    UNION ALL BY NAME
    SELECT * FROM {stored}
    WHERE ({it}) NOT IN (SELECT ({it}) FROM undated) AND ({it}) NOT IN (SELECT ({it}) FROM by_source)
    UNION ALL BY NAME
    SELECT o.* REPLACE (
        CASE WHEN {DATED_HERE} THEN least(o.valid_to, begins) ELSE o.valid_to END AS valid_to,
        false AS {DATED_HERE})
    FROM {stored} AS o JOIN (
      SELECT {it}, min(valid_from) AS begins, bool_or(valid_from IS NULL) AS begins_ever,
        list(valid_from) AS dates
      FROM by_source GROUP BY {it}) USING ({it})
    WHERE CASE
      WHEN {DATED_HERE} THEN NOT begins_ever AND (o.valid_from IS NULL OR o.valid_from < begins)
      WHEN o.valid_from IS NULL THEN NOT begins_ever
      ELSE NOT list_contains(dates, o.valid_from)
    END"""
