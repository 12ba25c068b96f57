"""Integer keys for ids: joining and grouping by ids of 24 characters takes three to four times as long.

Every id that was ever delivered has its key for good, in a dictionary for each kind of id, whether or not the
row it names has arrived: a reference that is delivered later matches then. This module only builds SQL
text; `load` and `merge` execute it.
"""

from collections.abc import Iterator

from flows.database.connection import identifier
from flows.database.steps import Step
from schemas.columns import Table, key

# The kinds of id within a company; the dictionary `user_keys` has company_key, user_id and user_key.
_KINDS = ("user", "path", "step", "session")
# The names of id columns, each with its kind: an id in another role uses the dictionary of its kind.
_IDS = {**{kind: kind for kind in _KINDS}, "waived_step": "step", "root_session": "session"}
_KEY_OF = {"company_id": "company_key", **{f"{name}_id": f"{name}_key" for name in _IDS}}

TABLES = (
    Step(
        "CREATE TABLE IF NOT EXISTS company_keys (company_id VARCHAR, company_key UINTEGER)",
        name="declare the keys of companies",
    ),
    *(
        Step(
            f"CREATE TABLE IF NOT EXISTS {kind}_keys "
            f"(company_key UINTEGER, {kind}_id VARCHAR, {kind}_key UINTEGER)",
            name=f"declare the keys of {kind}s",
        )
        for kind in _KINDS
    ),
)


def stored_name(column: str) -> str:
    """The name of a contract's column in the warehouse."""
    return _KEY_OF.get(column, column)


def stored_columns(model: type[Table]) -> list[str]:
    """The contract's columns as they are stored: keys in place of ids."""
    return [stored_name(name) for name in model.to_schema().columns]


def stored_key(model: type[Table]) -> list[str]:
    """The key of a stored row. A surrogate key belongs to one company, so company_key may be left out."""
    names = [stored_name(name) for name in key(model)]
    has_own_key = any(name.endswith("_key") for name in names[1:])
    return names[1:] if has_own_key else names


def _ids(model: type[Table]) -> Iterator[tuple[str, str]]:
    """The name of each id of the model, and its kind."""
    return ((name, kind) for name, kind in _IDS.items() if f"{name}_id" in model.to_schema().columns)


def _id_columns(model: type[Table]) -> list[str]:
    return ["company_id", *(f"{name}_id" for name, _ in _ids(model))]


def new_keys(model: type[Table], rows: str) -> Iterator[Step]:
    """Give the rows' companies and ids that have no key yet their keys, in the order of the ids.

    rows: a query for valid rows, as they are read.
    """
    yield Step(
        f"""
    INSERT INTO company_keys
    SELECT company_id, (SELECT count(*) FROM company_keys) + row_number() OVER (ORDER BY company_id) - 1
    FROM (SELECT DISTINCT company_id FROM ({rows})) ANTI JOIN company_keys USING (company_id)""",
        name="give new companies keys",
    )
    rows = f"(SELECT company_key, r.* FROM ({rows}) AS r JOIN company_keys USING (company_id))"
    for name, kind in _ids(model):
        yield Step(
            f"""
        INSERT INTO {kind}_keys
        SELECT company_key, {kind}_id, (SELECT count(*) FROM {kind}_keys)
          + row_number() OVER (ORDER BY company_key, {kind}_id) - 1
        FROM (SELECT DISTINCT company_key, {name}_id AS {kind}_id FROM {rows}
              WHERE {name}_id IS NOT NULL)
        ANTI JOIN {kind}_keys USING (company_key, {kind}_id)""",
            name=f"give new {name}s keys",
        )


def keyed(model: type[Table], rows: str) -> str:
    """The query that replaces ids by keys."""
    columns, joins = ["c.company_key"], ["LEFT JOIN company_keys AS c ON c.company_id = r.company_id"]
    for name, kind in _ids(model):
        columns.append(f"{name}_keys.{kind}_key AS {name}_key")
        joins.append(
            f"LEFT JOIN {kind}_keys AS {name}_keys ON {name}_keys.company_key = c.company_key "
            f"AND {name}_keys.{kind}_id = r.{name}_id"
        )
    return (
        f"SELECT {', '.join(columns)}, r.* EXCLUDE ({', '.join(_id_columns(model))})\n"
        f"FROM ({rows}) AS r\n" + "\n".join(joins)
    )


def by_id(model: type[Table], table: str) -> str:
    """The stored table with the ids of its keys, in addition to its own columns."""
    return f"SELECT {', '.join(_ids_and_facts(model))}, t.* FROM {table} AS t {' '.join(_joins(model))}"


def _ids_and_facts(model: type[Table]) -> Iterator[str]:
    yield "company_keys.company_id"
    for name, kind in _ids(model):
        yield f"{name}_keys.{kind}_id AS {name}_id"


def _joins(model: type[Table]) -> Iterator[str]:
    yield "LEFT JOIN company_keys ON company_keys.company_key = t.company_key"
    for name, kind in _ids(model):
        yield f"LEFT JOIN {kind}_keys AS {name}_keys ON {name}_keys.{kind}_key = t.{name}_key"


def same_row(model: type[Table], one: str, other: str) -> str:
    """The condition that two stored rows have one key."""
    return " AND ".join(
        f"{one}.{identifier(name)} IS NOT DISTINCT FROM {other}.{identifier(name)}"
        for name in stored_key(model)
    )
