"""Near matches: unknown ids that would be known if they were written another way."""

from collections.abc import Container, Iterator
from functools import reduce

from flows.database.connection import Connection
from flows.sources.base import DataWarning

# Which ids refer to what: the table, the kind of id, and the table that knows it.
_REFERENCES = (
    ("step_activity", "user", "users"),
    ("step_activity", "session", "path_sessions"),
    ("step_activity", "step", "path_steps"),
    ("step_activity", "enrollment", "enrollments"),
    ("enrollments", "user", "users"),
    ("enrollments", "session", "path_sessions"),
    ("path_sessions", "path", "paths"),
    ("path_steps", "path", "paths"),
)
# Changes that tools make to ids by mistake; undone on both sides.
_WITHOUT_SPACES = r"regexp_replace({id}, '^\s+|\s+$', '', 'g')"
_FORMS = {
    "removing '.0'": r"regexp_replace({id}, '\.0+$', '')",
    "removing leading zeros": "ltrim({id}, '0')",
    "removing spaces around them": _WITHOUT_SPACES,
    "ignoring case": "lower({id})",
}
_IN_ALL = reduce(lambda form, other: other.format(id=form), _FORMS.values(), _WITHOUT_SPACES)


def near_matches(connection: Connection, tables: Container[str]) -> list[str]:
    """The warnings about ids in the warehouse that match nothing, but would match in another form.

    tables: the tables in the warehouse.
    """
    return [
        str(DataWarning(table, text))
        for table, kind, of in _REFERENCES
        if table in tables and of in tables
        for text in _near(connection, table, kind, of)
    ]


def _near(connection: Connection, table: str, kind: str, of: str) -> Iterator[str]:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE unknown AS {_unknown(table, kind, of)}")
    unknown = connection.value("SELECT count(*) FROM unknown")
    if not unknown:
        return
    # Ids that are equal in one form are equal in all forms together: only those are compared form by form.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE alike AS "
        f"SELECT u.company_key, u.id, k.id AS known FROM unknown AS u JOIN ({_ids(of, kind)}) AS k "
        f"ON u.company_key = k.company_key AND {_IN_ALL.format(id='u.id')} = {_IN_ALL.format(id='k.id')}"
    )
    ids = f"unknown {kind} id matches" if unknown == 1 else f"unknown {kind} ids match"
    in_one_form = 0
    for words, form in (*_FORMS.items(), ("all of these changes together", _IN_ALL)):
        count, id, meant = _matching(connection, form)
        if count > (in_one_form if form == _IN_ALL else 0):
            yield f"{count:,} of {unknown:,} {ids} after {words}, e.g. {id!r} is {meant!r}."
        in_one_form += count


def _unknown(table: str, kind: str, of: str) -> str:
    return f"SELECT * FROM ({_ids(table, kind)}) ANTI JOIN ({_ids(of, kind)}) USING (company_key, id)"


def _ids(table: str, kind: str) -> str:
    """The query for the ids of a kind in a table: company_key, id."""
    if kind == "enrollment":
        rows = f"SELECT DISTINCT company_key, enrollment_id AS id FROM {table}"
        return f"{rows} WHERE enrollment_id IS NOT NULL"
    return (
        f"SELECT company_key, {kind}_id AS id FROM {kind}_keys "
        f"WHERE {kind}_key IN (SELECT {kind}_key FROM {table})"
    )


def _matching(connection: Connection, form: str) -> tuple[int, str, str]:
    """The number of unknown ids that match in this form, the first of them, and its known id."""
    ours, theirs = form.format(id="id"), form.format(id="known")
    return tuple(
        connection.rows(
            "SELECT count(DISTINCT (company_key, id)), min(id), arg_min(known, id) "
            f"FROM alike WHERE {ours} = {theirs}"
        )[0]
    )
