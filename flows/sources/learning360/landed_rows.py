"""The rows of stored pages as SQL: each field as the received text, for the warehouse to validate."""

from pathlib import Path

from flows.database.connection import file_name, identifier
from flows.sources.learning360.resources import ListOf
from flows.sources.page_store import Landing

# The page of a row, in the order of reading, and the owner of its list.
PAGE, OWNER = "page_number", "owner"


def landed(landing: Landing, kind: ListOf, texts: str, objects: str = "") -> str:
    """The query for all rows of a kind of list.

    texts:   the fields that are read, as text. objects: the fields that are taken apart, as JSON.
    """
    columns = dict.fromkeys(texts.split(), "VARCHAR") | dict.fromkeys(objects.split(), "JSON")
    if not landing.files(kind.name):
        nothing = ", ".join(f"CAST(NULL AS {type}) AS {identifier(name)}" for name, type in columns.items())
        return f"SELECT 0 AS {PAGE}, '' AS {OWNER}, {nothing} WHERE false"
    # One pattern for all of them: thousands of names would make a long statement.
    pattern = file_name(landing.folder / kind.name / "PAGES").replace("PAGES", "*.ndjson.gz")
    declared = ", ".join(f"{_quoted(name)}: '{type}'" for name, type in columns.items())
    names = ", ".join(map(identifier, columns))
    return (
        f"SELECT CAST(regexp_extract(filename, {_NAME}, 1) AS INTEGER) AS {PAGE}, "
        f"regexp_extract(filename, {_NAME}, 2) AS {OWNER}, {names} "
        f"FROM read_json({pattern}, columns = {{{declared}}}, format = 'newline_delimited', "
        "compression = 'gzip', filename = true, maximum_object_size = 67108864, hive_partitioning = false)"
    )


_NAME = r"'(\d{6,})\.([^./]*)\.ndjson\.gz$'"


def _quoted(name: str) -> str:
    return "'" + name + "'"


def older_versions(table: str, id: str = "_id", version: str = "") -> str:
    """The statement that leaves one version of each id: rows move and change while they are paged.

    version: the field that orders versions; without it, or where it is the same, the last one read counts.
    """
    order = f"{version} DESC NULLS LAST, {PAGE} DESC" if version else f"{PAGE} DESC"
    return (
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {id} IN "
        f"(SELECT {id} FROM {table} GROUP BY {id} HAVING count(*) > 1) "
        f"QUALIFY row_number() OVER (PARTITION BY {id} ORDER BY {order}, rowid) > 1)"
    )


def text_at(json: str, place: str) -> str:
    """The value at a place, as text. The arrow binds weaker than AND and IN, so it is not written."""
    return f"json_extract_string({json}, '$.{place}')"


def json_at(json: str, place: str) -> str:
    """The JSON value at a place; a JSON null becomes null."""
    return f"nullif(json_extract({json}, '$.{place}'), 'null')"


def whole(text: str) -> str:
    """A number without its idle decimals: 85.0 is 85, 66.7 stays.

    The API's description has `number` where it means whole ones.
    """
    number = f"TRY_CAST({text} AS DOUBLE)"
    is_whole = f"{number} = floor({number}) AND abs({number}) < 1e15"
    return f"CASE WHEN {is_whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE {text} END"


def rounded_up(text: str) -> str:
    """The least whole number that is not below: a threshold is whole and never easier than it was."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    rounded = f"CAST(CAST(ceil({number}) AS BIGINT) AS VARCHAR)"
    return f"CASE WHEN abs({number}) < 1e15 THEN {rounded} ELSE {text} END"


def rounded_down(text: str, least: int) -> str:
    """The greatest whole number that is not above: 2.5 attempts are 2; never less than `least`."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    rounded = f"CAST(greatest(CAST(floor({number}) AS BIGINT), {least}) AS VARCHAR)"
    return f"CASE WHEN abs({number}) < 1e15 THEN {rounded} ELSE {text} END"


def named(text: str) -> str:
    """A name; the platform requires one and allows an empty one, which counts as missing."""
    return f"CASE WHEN trim({text}) <> '' THEN {text} END"


def parquet_or(file: Path, columns: str) -> str:
    """The rows that were handed on; empty without any. columns: name and type of each."""
    if file.is_file():
        return f"(FROM read_parquet({file_name(file)}, hive_partitioning = false))"
    nothing = ", ".join(f"CAST(NULL AS {type}) AS {name}" for name, type in _pairs(columns))
    return f"(SELECT {nothing} WHERE false)"


def _pairs(columns: str) -> list[tuple[str, str]]:
    return [(name, type) for name, _, type in (part.strip().partition(" ") for part in columns.split(","))]
