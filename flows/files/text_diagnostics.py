"""Find the faulty line of a text file that DuckDB could not read."""

import gzip
import json
from codecs import BOM_UTF8
from io import BufferedReader
from pathlib import Path
from typing import IO

Fault = tuple[int, str]


def fault_in_ndjson(file: Path) -> Fault | None:
    """The number and fault of the first line that is not one JSON object; never its content."""
    with bytes_of(file) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and (cause := _fault_in_json(line)):
                return number, cause
    return None


def _fault_in_json(line: bytes) -> str | None:
    if line.startswith(BOM_UTF8):
        return "starts with a byte order mark. Save the file as UTF-8 without one."
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8 text. Save the file as UTF-8."
    try:
        row = json.loads(text, object_pairs_hook=_distinct_keys)
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except _RepeatedKey:
        return "a key occurs more than once. Correct the line."
    except ValueError:
        return "not one complete JSON object. Correct the line."
    except RecursionError:
        return None  # Nested too deeply for Python's parser, but not for DuckDB's.
    return None if isinstance(row, dict) or row is None else "not a JSON object. Correct the line."


class _RepeatedKey(Exception):
    """A JSON object repeats a key."""


def _distinct_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _RepeatedKey
    return row


def first_other_line_end(file: Path) -> int | None:
    """The first line with another line ending (CRLF, LF or CR) than line 1."""
    with bytes_of(file) as lines:
        ends = (_line_end(line) for line in lines)
        first = next(ends, b"")
        return next((number for number, end in enumerate(ends, 2) if end not in (first, b"")), None)


def _line_end(line: bytes) -> bytes:
    if b"\r" in line[:-2] or line.endswith(b"\r\r\n"):
        return b"\r"
    return b"\r\n" if line.endswith(b"\r\n") else line[-1:] if line.endswith((b"\n", b"\r")) else b""


def text_of(file: Path) -> IO[str]:
    """The file opened as text, line endings unchanged; a byte that is not UTF-8 becomes a lone surrogate."""
    if file.name.lower().endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def bytes_of(file: Path) -> gzip.GzipFile | BufferedReader:
    """The file opened as bytes, decompressed."""
    return gzip.open(file) if file.name.lower().endswith(".gz") else file.open("rb")
