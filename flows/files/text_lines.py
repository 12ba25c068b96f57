"""Check a text file's lines for length and nesting, and find the line of a row."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import IO

from flows.files.text_diagnostics import bytes_of, text_of
from schemas.errors import SourceError

# DuckDB's limits on a line's length; its JSON reader allocates several times the limit per thread.
CSV_LINE = 2_000_000
JSON_LINE = 16_777_216
# DuckDB skips an unknown key's value recursively: a million levels crash the process.
JSON_DEPTH = 1_000
# Smaller than both limits, so a line beyond a limit always spans several chunks.
_CHUNK = 1 << 20
_JSON_KEY = re.compile(rb'"([^"\\]{1,100})"\s*:')
_CSV_FIELD = re.compile(rb'(?:"(?:[^"]++|"")*+"|[^,"]*),')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}\n"))


def verify_text(file: Path, *, is_json: bool) -> None:
    """Check the whole file, in bounded memory.

    Raises: SourceError if the file is damaged gzip, which DuckDB would read as a shorter file, or if a line
            is too long or too deeply nested for DuckDB.
    """
    limit = JSON_LINE if is_json else CSV_LINE
    length, brackets = 0, b""
    try:
        with bytes_of(file) as stream:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                if len(chunk) == _CHUNK and chunk.isspace():
                    raise SourceError(
                        f"{file}: more than 1 MB of consecutive blank lines, the limit. Remove them."
                    )
                first, last = _first_line_end(chunk), _last_line_end(chunk)
                if length + (len(chunk) if first < 0 else first) > limit:
                    raise _too_long(file, limit, is_json=is_json)
                length = length + len(chunk) if last < 0 else len(chunk) - last - 1
                if is_json:
                    *whole, brackets = (brackets + chunk.translate(None, _NO_BRACKET)).split(b"\n")
                    if _is_too_deep(max((*whole, brackets), key=len)):
                        raise _too_deep(file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file}: the gzip file is damaged or truncated; deliver it again.") from error


def _first_line_end(chunk: bytes) -> int:
    found = chunk.find(b"\n")
    return chunk.find(b"\r") if found < 0 else found


def _last_line_end(chunk: bytes) -> int:
    found = chunk.rfind(b"\n")
    return chunk.rfind(b"\r") if found < 0 else found


def _is_too_deep(brackets: bytes) -> bool:
    """Whether a line with these brackets may be nested too deeply; brackets inside strings count too."""
    if len(brackets) <= JSON_DEPTH:
        return False
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets)) > JSON_DEPTH


def _too_deep(file: Path) -> SourceError:
    with bytes_of(file) as stream:
        lines = iter(lambda: stream.readline(JSON_LINE), b"")
        brackets = (line.translate(None, _NO_BRACKET) for line in lines)
        number = next((number for number, line in enumerate(brackets, 1) if _is_too_deep(line)), 0)
    return SourceError(
        f"{file}, line {number}: a value is nested more than {JSON_DEPTH:,} levels deep, the limit. "
        "Correct the line."
    )


def _too_long(file: Path, limit: int, *, is_json: bool) -> SourceError:
    with bytes_of(file) as stream:
        number, line = 1, stream.readline(limit)
        while 0 < len(line) < limit:
            number, line = number + 1, stream.readline(limit)
    keys = [key.decode("utf-8", "replace") for key in _JSON_KEY.findall(line)[-1:]] if is_json else []
    name = keys[0] if keys else None if is_json else unfinished_column(file, number, limit)
    column = f"; column {name} is too long or its quote is not closed" if name else ""
    return SourceError(
        f"{file}, line {number}: longer than {limit / 1e6:.0f} MB, the limit{column}. Correct the line."
    )


def unfinished_column(file: Path, number: int, limit: int = CSV_LINE) -> str | None:
    """The column of a CSV line whose value is not terminated on that line; None if unknown."""
    with bytes_of(file) as stream:
        header, *lines = (stream.readline(limit) for _ in range(number))
    names = header.decode("utf-8-sig", "replace").strip().split(",")
    return next(iter(names[_full_fields(lines[-1]) :]), None) if lines else None


def line_of_record(file: Path, number: int) -> int:
    """The line on which a CSV file's record begins; the header is record 1."""
    with text_of(file) as lines:
        return next(islice(_records(lines), number - 1, None), number)


def _full_fields(line: bytes) -> int:
    """The number of complete fields of a CSV line."""
    count, place = 0, 0
    while found := _CSV_FIELD.match(line, place):
        count, place = count + 1, found.end()
    return count


def line_numbers(file: Path, rows: Sequence[int], read: int, *, is_json: bool) -> list[int]:
    """The lines on which the given rows of the file begin.

    rows: row numbers, ascending, counted from 1 without the header. read: the number of rows in the file.
    """
    header = 0 if is_json else 1
    if _lines(file) == read + header:
        return [row + header for row in rows]
    wanted, found = iter(rows), []
    row = next(wanted, None)
    with text_of(file) as lines:
        starts = _lines_with_text(lines) if is_json else _records(lines)
        for number, line in enumerate(starts, 1 - header):
            if row is None:
                break
            if number == row:
                found.append(line)
                row = next(wanted, None)
    return found


def _lines(file: Path) -> int:
    """The number of lines, including a last one without a line feed."""
    count, last = 0, b""
    with bytes_of(file) as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            count, last = count + chunk.count(b"\n"), chunk[-1:]
    return count + (last not in (b"", b"\n"))


def _lines_with_text(lines: IO[str]) -> Iterator[int]:
    return (number for number, line in enumerate(lines, 1) if line.strip())


def _records(lines: IO[str]) -> Iterator[int]:
    """The line on which each record of a CSV file begins; a record continues while a quote is open."""
    is_open = False
    for number, line in enumerate(lines, 1):
        if not is_open and line.strip("\r\n"):
            yield number
        is_open ^= line.count('"') % 2 == 1
