"""Restrict a query's access to files: none, or with --allow-write all except a home or release."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import ReleaseDamaged, UsageError
from schemas.home import Home, Release

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TEXT = r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)"|\$(\w*)\$(.*?)\$\3\$"""
# The target of COPY and EXPORT DATABASE: a text, a bare word, or an expression.
_TARGET = re.compile(rf"""\b(?:TO|DATABASE)\s*(?:{_TEXT}|([\w./]+)|(\())""", re.IGNORECASE | re.DOTALL)
_TEXTS = re.compile(_TEXT, re.DOTALL)
# Statement types that never write a file.
_WRITES_NO_FILE = ("SELECT", "CREATE", "INSERT", "UPDATE", "DELETE")


def config(folder: Path, *, allows_files: bool) -> dict[str, Any]:
    """DuckDB's settings for a query; `folder` is for data that does not fit into memory."""
    return {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_access": str(allows_files).lower(),
        # Otherwise DuckDB resolves unknown table names to variables of this code.
        "python_enable_replacements": "false",
        "temp_directory": str(folder),
    }


def lock(connection: "DuckDBPyConnection", sql: str) -> None:
    """Keep the query from changing settings, some of which make DuckDB write profiles and logs.

    Raises: UsageError.
    """
    # DuckDB 1.5 aborts the process when it closes a log that it was not allowed to write.
    if "enable_logging" in sql.lower():
        raise UsageError("A query can't make DuckDB write a log; --allow-write allows it.")
    connection.execute("SET lock_configuration = true")


def check_targets(connection: "DuckDBPyConnection", sql: str, home: Home) -> None:
    """Check that a query with --allow-write changes no file in a home or release.

    Raises: UsageError; duckdb.Error if the query can't be parsed.
    """
    if all(it.type.name in _WRITES_NO_FILE for it in connection.extract_statements(sql)):
        return
    written, named = _TARGET.findall(sql), _TEXTS.findall(sql)
    if any(target[-1] for target in written):
        raise UsageError("Name the file that COPY writes as a plain text: COPY users TO 'users.csv'.")
    root, targets = home.root.resolve(), list(map(_resolved, written))
    for file in (*targets, *map(_resolved, named)):
        if file.is_relative_to(root) or any(map(_is_release, (file, *file.parents))):
            raise UsageError(f"{file} belongs to a home of pathstats; a query writes to other folders only.")
        if file in targets and root.is_relative_to(file):
            raise UsageError(f"{file} contains the home {root}; name a folder that does not.")


def _is_release(folder: Path) -> bool:
    release = Release(folder)
    return release.manifest.exists() and release.data_dictionary.exists()


def _resolved(found: tuple[str, ...]) -> Path:
    single, double, _, dollar, *bare = found
    text = single.replace("''", "'") or double.replace('""', '"') or dollar or (bare[0] if bare else "")
    path = Path(re.sub("^file:(//)?", "", text, flags=re.IGNORECASE))
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        # Not a file name, e.g. a text with a NUL, or `~` of an unknown user.
        return Path("/dev/null")


def name_tables(connection: "DuckDBPyConnection", release: Release) -> None:
    """Register the release's tables by name. pyarrow reads them, so DuckDB itself needs no access to files.

    Raises: ReleaseDamaged.
    """
    import pyarrow as pa
    from pyarrow import dataset

    parquet = dataset.ParquetFileFormat()
    for table in release.tables():
        try:
            fragment = parquet.make_fragment(pa.OSFile(str(release.table(table))))
            rows = dataset.FileSystemDataset([fragment], fragment.physical_schema, parquet)
        except (OSError, pa.ArrowException) as error:
            raise damaged(release) from error
        connection.register(table, rows)


def damaged(release: Release) -> ReleaseDamaged:
    """The error for a release with a missing or damaged table."""
    return ReleaseDamaged(
        f"A table of release {release.folder.name} can't be read; `pathstats verify` names it."
    )
