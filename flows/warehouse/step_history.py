"""The history of step definitions, for sources that only tell how steps are defined now.

Where a definition comes without valid_from and valid_to and differs from the one the warehouse has, that one
ends when the new one was extracted, and the new one begins: archived enrolments and nights for a past as_of
keep the definition of their day. Versions that a source dates itself are the source's own, for as long as it
dates them; what is known by then stays. Pure text: what is built here is executed by `accepting`.
"""

from datetime import datetime

from flows.warehouse.duck import identifier, instant
from flows.warehouse.keying import stored_columns
from schemas.inputs import PathSteps

# Whether the warehouse dated the version itself.
DATED_HERE = "dated_here"
_STEP = ("path_key", "step_key")
_DATES = ("valid_from", "valid_to")
_DEFINITION = [name for name in stored_columns(PathSteps) if name not in (*_STEP, *_DATES)]


def dated(delivered: str, stored: str, at: datetime, *, is_full: bool) -> str:
    """The query for all versions of all steps, once the delivered rows are known.

    A new path's steps hold since ever, a step that a known path is given since then. No definition holds from
    before the one it follows, however early it was extracted.

    delivered: the loaded rows. stored: the versions so far. at: when the rows were extracted.
    """
    moment = instant(at)
    same = " AND ".join(f"o.{identifier(n)} IS NOT DISTINCT FROM u.{identifier(n)}" for n in _DEFINITION)
    gone = f"OR {DATED_HERE} AND {_not_in('by_source')}" if is_full else ""
    is_known = f"path_key IN (SELECT path_key FROM {stored})"
    return f"""
    WITH by_source AS (
      SELECT * FROM {delivered} WHERE (path_key, step_key) IN (
        SELECT (path_key, step_key) FROM {delivered} WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL)),
    undated AS (SELECT * FROM {delivered} WHERE {_not_in("by_source")}),
    so_far AS (
      SELECT * REPLACE (true AS {DATED_HERE}) FROM {stored} WHERE {_in("undated")} {gone}),
    over AS (
      SELECT path_key, step_key, greatest({moment}, max(valid_from), max(valid_to)) AS ends
      FROM so_far GROUP BY path_key, step_key),
    latest AS (
      FROM so_far WHERE valid_to IS NULL
      QUALIFY row_number() OVER (PARTITION BY path_key, step_key ORDER BY valid_from DESC NULLS LAST) = 1),
    unchanged AS (
      SELECT path_key, step_key FROM latest AS o JOIN undated AS u USING (path_key, step_key) WHERE {same})
    FROM so_far WHERE {_in("unchanged")}
    UNION ALL BY NAME
    SELECT * EXCLUDE (ends) REPLACE (coalesce(valid_to, ends) AS valid_to)
    FROM so_far JOIN over USING (path_key, step_key)
    WHERE {_not_in("unchanged")} AND (valid_to IS NOT NULL OR valid_from IS DISTINCT FROM ends)
    UNION ALL BY NAME
    SELECT * EXCLUDE (ends) REPLACE (coalesce(ends, CASE WHEN {is_known} THEN {moment} END) AS valid_from),
      true AS {DATED_HERE}
    FROM undated LEFT JOIN over USING (path_key, step_key) WHERE {_not_in("unchanged")}
    UNION ALL BY NAME
    SELECT *, false AS {DATED_HERE} FROM by_source
    {"" if is_full else _unspoken_of(stored)}"""


def _unspoken_of(stored: str) -> str:
    """What changes do not speak of stays; our own dates give way to those that the source begins to give."""
    return f"""
    UNION ALL BY NAME
    SELECT * FROM {stored} WHERE {_not_in("undated")} AND {_not_in("by_source")}
    UNION ALL BY NAME
    SELECT o.* REPLACE (
        CASE WHEN {DATED_HERE} THEN least(o.valid_to, begins) ELSE o.valid_to END AS valid_to,
        false AS {DATED_HERE})
    FROM {stored} AS o JOIN (
      SELECT path_key, step_key, min(valid_from) AS begins, bool_or(valid_from IS NULL) AS begins_ever,
        list(valid_from) AS dates
      FROM by_source GROUP BY path_key, step_key) USING (path_key, step_key)
    WHERE CASE
      WHEN {DATED_HERE} THEN NOT begins_ever AND (o.valid_from IS NULL OR o.valid_from < begins)
      WHEN o.valid_from IS NULL THEN NOT begins_ever
      ELSE NOT list_contains(dates, o.valid_from)
    END"""


def _in(table: str) -> str:
    return f"(path_key, step_key) IN (SELECT (path_key, step_key) FROM {table})"


def _not_in(table: str) -> str:
    return f"NOT ({_in(table)})"
