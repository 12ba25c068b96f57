"""Queries for stored rows as they are published: ids in place of keys, in publication order."""

from flows.database.connection import identifier
from flows.staging.surrogate_keys import by_id
from schemas.columns import Table, key, table_name

# Of a rejected user the key alone is published: any other column, one of a shifted line or outside the
# contract too, may contain an e-mail or a name. The warehouse keeps the row, to recognize it without a key.
_PUBLISHED_ROW = (
    "CASE WHEN \"table\" = 'users' THEN CAST("
    "json_object('company_id', row -> 'company_id', 'user_id', row -> 'user_id') AS VARCHAR) ELSE row END"
)
# The sessions of known paths with their keys.
SESSIONS_BY_ID = """
    SELECT company_id, s.company_key, session_id, session_key
    FROM path_sessions AS s JOIN paths USING (path_key) JOIN session_keys USING (session_key)
    JOIN company_keys ON company_keys.company_key = s.company_key ORDER BY company_id, session_id"""
USERS_BY_ID = """
    SELECT company_id, user_id, u.* FROM users AS u JOIN user_keys USING (user_key)
    JOIN company_keys ON company_keys.company_key = u.company_key"""
# The users' places in publication order.
USERS_IN_ORDER = f"""
    SELECT user_key, CAST(row_number() OVER (ORDER BY company_id, user_id) - 1 AS UINTEGER) AS user_place
    FROM ({USERS_BY_ID})"""


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
