"""Build SQL over the rows of stored pages: fields stay as received text, for the warehouse to validate."""

from pathlib import Path

from flows.database.connection import file_name, identifier
from flows.sources.learning360.resources import ListOf
from flows.sources.page_store import Landing

# Columns for the number of a row's page, in the order of reading, and for the owner of its list.
PAGE, OWNER = "page_number", "owner"


def landed(landing: Landing, kind: ListOf, texts: str, objects: str = "") -> str:
    """The query for all rows of a kind of list.

    texts: the fields to read as text. objects: the fields to read as JSON.
    """
    columns = dict.fromkeys(texts.split(), "VARCHAR") | dict.fromkeys(objects.split(), "JSON")
    if not landing.files(kind.name):
        nothing = ", ".join(f"CAST(NULL AS {type}) AS {identifier(name)}" for name, type in columns.items())
        return f"SELECT 0 AS {PAGE}, '' AS {OWNER}, {nothing} WHERE false"
    # One glob for all files: thousands of names would make a long statement.
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
    """The statement that deletes all but one version of each id: rows move and change during paging.

    version: the column that orders versions; without it, or if equal, the row that was read last is kept.
    """
    order = f"{version} DESC NULLS LAST, {PAGE} DESC" if version else f"{PAGE} DESC"
    return (
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {id} IN "
        f"(SELECT {id} FROM {table} GROUP BY {id} HAVING count(*) > 1) "
        f"QUALIFY row_number() OVER (PARTITION BY {id} ORDER BY {order}, rowid) > 1)"
    )


def text_at(json: str, place: str) -> str:
    """The value at a JSON path, as text. The `->>` operator would bind weaker than AND and IN."""
    return f"json_extract_string({json}, '$.{place}')"


def json_at(json: str, place: str) -> str:
    """The JSON value at a JSON path; a JSON null becomes null."""
    return f"nullif(json_extract({json}, '$.{place}'), 'null')"


def whole(text: str) -> str:
    """A number without trailing zero decimals: 85.0 becomes 85, 66.7 stays.

    The API's description declares integers as `number`.
    """
    number = f"TRY_CAST({text} AS DOUBLE)"
    is_whole = f"{number} = floor({number}) AND abs({number}) < 1e15"
    return f"CASE WHEN {is_whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE {text} END"


def rounded_up(text: str) -> str:
    """The number rounded up to an integer, so that a threshold never becomes easier to reach."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    rounded = f"CAST(CAST(ceil({number}) AS BIGINT) AS VARCHAR)"
    return f"CASE WHEN abs({number}) < 1e15 THEN {rounded} ELSE {text} END"


def rounded_down(text: str, least: int) -> str:
    """The number rounded down to an integer (2.5 attempts are 2), but never below `least`."""
    number = f"TRY_CAST({text} AS DOUBLE)"
    rounded = f"CAST(greatest(CAST(floor({number}) AS BIGINT), {least}) AS VARCHAR)"
    return f"CASE WHEN abs({number}) < 1e15 THEN {rounded} ELSE {text} END"


def named(text: str) -> str:
    """A name, or null if it is empty, which the platform allows."""
    return f"CASE WHEN trim({text}) <> '' THEN {text} END"


def parquet_or(file: Path, columns: str) -> str:
    """The rows of the file, or no rows if it does not exist. columns: names and types."""
    if file.is_file():
        return f"(FROM read_parquet({file_name(file)}, hive_partitioning = false))"
    nothing = ", ".join(f"CAST(NULL AS {type}) AS {name}" for name, type in _pairs(columns))
    return f"(SELECT {nothing} WHERE false)"


def _pairs(columns: str) -> list[tuple[str, str]]:
    return [(name, type) for name, _, type in (part.strip().partition(" ") for part in columns.split(","))]
