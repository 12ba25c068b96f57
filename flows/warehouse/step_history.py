"""The history of step definitions, for sources that only tell how steps are defined now.

Where a definition comes without valid_from and valid_to and differs from the one the warehouse has, that one
ends when the new one was extracted, and the new one begins: archived enrolments and nights for a past as_of
keep the definition of their day. Versions that a source dates itself are the source's own. Pure text: what is
built here is executed by `accepting`.
"""

from datetime import datetime

from flows.warehouse.duck import identifier, instant
from flows.warehouse.keying import stored_columns
from schemas.inputs import PathSteps

# Whether the warehouse dated the version itself.
DATED_HERE = "dated_here"
_KEY = ("path_key", "step_key")
_DATES = ("valid_from", "valid_to")
_DEFINITION = [name for name in stored_columns(PathSteps) if name not in (*_KEY, *_DATES)]


def dated(delivered: str, stored: str, at: datetime, *, is_full: bool) -> str:
    """The query for all versions of all steps, once the delivered rows are known.

    delivered: the loaded rows. stored: the versions so far. at: when the rows were extracted.
    """
    moment = instant(at)
    facts = ", ".join(map(identifier, _DEFINITION))
    same = " AND ".join(f"o.{identifier(n)} IS NOT DISTINCT FROM u.{identifier(n)}" for n in _DEFINITION)
    begun = f"(o.valid_from IS NULL OR o.valid_from < {moment})"
    return f"""
    WITH by_source AS (
      SELECT * FROM {delivered} WHERE (path_key, step_key) IN (
        SELECT (path_key, step_key) FROM {delivered} WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL)),
    undated AS (SELECT * FROM {delivered} WHERE {_not_in("by_source")}),
    ours AS (SELECT * FROM {stored} WHERE {DATED_HERE} AND {_not_in("by_source")}),
    theirs AS (SELECT * FROM {stored} WHERE NOT {DATED_HERE}),
    still AS (SELECT * FROM ours WHERE valid_to IS NULL),
    met AS (
      SELECT u.*, o.path_key IS NOT NULL AS was_open, o.valid_from AS began,
        {same} AS is_same, {begun} AS has_begun
      FROM undated AS u LEFT JOIN still AS o ON o.path_key = u.path_key AND o.step_key = u.step_key),
    now AS (
      SELECT path_key, step_key, {facts},
        CASE
          WHEN was_open AND (is_same OR NOT has_begun) THEN began
          WHEN was_open THEN {moment}
          WHEN {_in("theirs")} OR path_key NOT IN (SELECT path_key FROM {stored}) THEN NULL
          ELSE greatest({moment}, (SELECT max(valid_to) FROM ours AS e
            WHERE e.path_key = met.path_key AND e.step_key = met.step_key))
        END AS valid_from, NULL AS valid_to, true AS {DATED_HERE}
      FROM met),
    ended AS (
      SELECT o.* REPLACE ({moment} AS valid_to) FROM still AS o
      LEFT JOIN undated AS u ON u.path_key = o.path_key AND u.step_key = o.step_key
      WHERE {begun} AND CASE WHEN u.path_key IS NULL THEN {is_full} ELSE NOT ({same}) END)
    FROM now
    UNION ALL BY NAME FROM ended
    UNION ALL BY NAME SELECT * FROM ours WHERE valid_to IS NOT NULL
    UNION ALL BY NAME SELECT *, false AS {DATED_HERE} FROM by_source
    {"" if is_full else _untouched()}"""


def _untouched() -> str:
    """What changes do not speak of stays."""
    return f"""
    UNION ALL BY NAME SELECT * FROM still WHERE {_not_in("undated")}
    UNION ALL BY NAME SELECT * FROM theirs AS t WHERE {_not_in("undated")} AND NOT EXISTS (
      FROM by_source AS s WHERE s.path_key = t.path_key AND s.step_key = t.step_key
        AND s.valid_from IS NOT DISTINCT FROM t.valid_from)"""


def _in(table: str) -> str:
    return f"(path_key, step_key) IN (SELECT (path_key, step_key) FROM {table})"


def _not_in(table: str) -> str:
    return f"NOT ({_in(table)})"
