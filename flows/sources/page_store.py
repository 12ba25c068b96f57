"""Store the pages read from a platform as they were received, one folder per extraction.

    HOME/landing/20260310T020000Z/
        landing.json                           the record: which platform, since when, how it was read
        journal.ndjson                         a line for each complete page, with the URL of the next page
        enrollments/000017.<path>.ndjson.gz    a page's rows, one per line; numbered in the order of reading
        known/                                 facts from earlier extractions for an extraction of changes

A page is complete or absent: its file is renamed into place once it is on disk, and only then added to the
journal. A file that is not in the journal belongs to an extraction that was killed, and is deleted. The
journal itself is not synced: a power cut may lose its last lines, and their pages are read again.
"""

import gzip
import json
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from flows.home.fsync import sync
from schemas.errors import SourceError

FORMAT = 1
# The version of the scheme of activity ids. Increase it with each change: rows with old ids would otherwise
# remain next to the rows with new ids.
IDS = 2
_RECORD, _JOURNAL = "landing.json", "journal.ndjson"
# The suffix of the folder's name until it is a valid landing.
_BEGUN = ".begun"
# Owners become part of a file's name.
_OWNER = re.compile("[0-9A-Za-z_-]{0,64}")

Row = dict[str, Any]
# JSON that was just parsed can't be circular.
_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True)
class Record:
    """The description of an extraction. Times are ISO 8601 in UTC.

    base:         the extraction that this one has changes to; None for a full extraction.
    since:        the start of the changes.
    full_at:      when the last full extraction began: this one or an earlier one.
    decision:     how attempts at courses are read, and why.
    read_at:      when all pages were read.
    delivered_at: when the input tables were delivered.
    unread:       optional lists that the API client may not read.
    ids:          the version of the scheme of activity ids (IDS); 1 in landings without it.
    """

    platform: str
    company_id: str
    begun_at: str
    full_at: str
    skip: tuple[str, ...] = ()
    base: str | None = None
    since: str | None = None
    decision: dict[str, Any] | None = None
    read_at: str | None = None
    delivered_at: str | None = None
    format: int = FORMAT
    unread: tuple[str, ...] = ()
    ids: int = 1

    @property
    def is_full(self) -> bool:
        return self.base is None

    @property
    def data_as_of(self) -> datetime:
        return datetime.fromisoformat(self.begun_at)


@dataclass(frozen=True)
class LandedPage:
    """A complete page.

    number:  its number among all pages, in the order of reading.
    file:    relative to the landing; None if the page has no rows. size: of the file in bytes.
    next:    the URL of the list's next page; None for the last page.
    strange: fields and values that this version does not know, with counts.
    """

    list: str
    number: int
    rows: int
    file: str | None
    size: int
    next: str | None
    strange: Mapping[str, int] = field(default_factory=dict)


class Landing:
    """The folder of one extraction. Pages may be added from several threads."""

    def __init__(self, folder: Path, record: Record, pages: dict[str, list[LandedPage]]) -> None:
        self.folder = folder
        self.record = record
        self._pages = pages
        self._number = max((page.number for of in pages.values() for page in of), default=0)
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, folder: Path, record: Record, prepare: Callable[[Path], None] = lambda _: None) -> Self:
        """Create a landing; the folder must not exist.

        prepare: called with the folder before it becomes a landing, to write initial files.
        """
        temporary = folder.with_name(folder.name + _BEGUN)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        (temporary / _JOURNAL).touch()
        prepare(temporary)
        cls(temporary, record, {}).note()
        os.replace(temporary, folder)
        return cls(folder, record, {})

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a stored extraction, which may be incomplete.

        Raises: SourceError if the folder is not a landing, or has another format version.
        """
        record = read_record(folder)
        if record is None:
            raise SourceError(f"{folder}: not a landing; give a folder that contains {_RECORD}.")
        return cls(folder, record, _read_journal(folder))

    def discard_incomplete(self) -> None:
        """Delete everything except the complete pages, from the journal and from the files."""
        temporary = self.folder / f"{_JOURNAL}.part"
        lines = (json.dumps(asdict(page)) + "\n" for of in self._pages.values() for page in of)
        temporary.write_text("".join(lines), "utf-8")
        sync(temporary)
        os.replace(temporary, self.folder / _JOURNAL)
        complete = {page.file for of in self._pages.values() for page in of}
        for file in (*self.folder.glob("*/*.ndjson.gz"), *self.folder.glob("*/*.part")):
            if str(file.relative_to(self.folder)) not in complete:
                file.unlink()

    def note(self, **facts: Any) -> None:
        """Update the record with these facts and write it."""
        self.record = replace(self.record, **facts)
        temporary = self.folder / f"{_RECORD}.part"
        temporary.write_text(json.dumps(asdict(self.record), indent=2) + "\n", "utf-8")
        sync(temporary)
        os.replace(temporary, self.folder / _RECORD)

    def names(self) -> list[str]:
        """The names of the lists with at least one page."""
        return sorted(self._pages)

    def pages(self, name: str) -> list[LandedPage]:
        """The complete pages of a list, in order."""
        return list(self._pages.get(name, ()))

    def is_complete(self, name: str) -> bool:
        pages = self._pages.get(name)
        return pages is not None and pages[-1].next is None

    def is_whole(self) -> bool:
        """Whether every list with a page is complete."""
        return all(self.is_complete(name) for name in self._pages)

    def add(
        self, name: str, owner: str, rows: list[Row], following: str | None, strange: Mapping[str, int]
    ) -> None:
        """Store the next page of a list. Once this returns, the page survives a kill."""
        if not _OWNER.fullmatch(owner):
            raise SourceError(f"The list {name} belongs to an object with an invalid id; please report it.")
        with self._lock:
            self._number += 1
            number = self._number
        file, size = self._written(name.partition("/")[0], number, owner, rows) if rows else (None, 0)
        # `asdict` would turn a Counter into a Counter of its pairs.
        page = LandedPage(name, number, len(rows), file, size, following, dict(strange))
        self._journal(asdict(page))
        self._pages.setdefault(name, []).append(page)

    def restart(self, name: str) -> None:
        """Delete the pages of a list, so that it is read again from its beginning."""
        self._journal({"restart": name})
        for page in self._pages.pop(name, ()):
            if page.file:
                (self.folder / page.file).unlink(missing_ok=True)

    def _written(self, kind: str, number: int, owner: str, rows: list[Row]) -> tuple[str, int]:
        name = f"{kind}/{number:06d}.{owner}.ndjson.gz"
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        lines = "\n".join(map(_line, rows)) + "\n"
        temporary = file.with_suffix(".part")
        # JSON can contain a lone surrogate, which UTF-8 can't encode: it becomes a question mark.
        size = temporary.write_bytes(
            gzip.compress(lines.encode("utf-8", "replace"), compresslevel=1, mtime=0)
        )
        sync(temporary)
        os.replace(temporary, file)
        return name, size

    def _journal(self, line: dict[str, Any]) -> None:
        with self._lock, (self.folder / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")

    def rows_of(self, name: str) -> Iterator[Row]:
        """Iterate over the rows of a list."""
        for page in self.pages(name):
            if page.file:
                with gzip.open(self.folder / page.file, "rt", encoding="utf-8") as lines:
                    yield from map(json.loads, lines)

    def files(self, kind: str) -> list[Path]:
        """The page files of all lists of a kind."""
        return [
            self.folder / page.file
            for name, of in self._pages.items()
            if name.partition("/")[0] == kind
            for page in of
            if page.file
        ]

    def counts(self) -> Counter[str]:
        """The number of rows by kind of list."""
        counts: Counter[str] = Counter()
        for name, of in self._pages.items():
            counts[name.partition("/")[0]] += sum(page.rows for page in of)
        return counts

    def strange(self) -> Counter[str]:
        """Fields and values in the pages that this version does not know, with counts."""
        return sum((Counter(page.strange) for of in self._pages.values() for page in of), Counter())


def read_record(folder: Path) -> Record | None:
    """The record of the landing in the folder; None if there is none that this version can read."""
    try:
        facts = json.loads((folder / _RECORD).read_text("utf-8"))
        tuples = {name: tuple(facts.get(name, ())) for name in ("skip", "unread")}
        record = Record(**facts | tuples)
        return record if record.format == FORMAT and record.data_as_of.tzinfo else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _read_journal(folder: Path) -> dict[str, list[LandedPage]]:
    """The complete pages of each list, up to the first damaged journal line or file."""
    pages: dict[str, list[LandedPage]] = {}
    lost: set[str] = set()
    for line in (folder / _JOURNAL).read_bytes().split(b"\n")[:-1]:
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if name := entry.get("restart"):
            pages.pop(name, None)
            lost.discard(name)
            continue
        page = LandedPage(**entry)
        if page.file and _size(folder / page.file) != page.size:
            lost.add(page.list)
        if page.list not in lost:
            pages.setdefault(page.list, []).append(page)
    return pages


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def landings(folder: Path) -> list[tuple[Path, Record]]:
    """The landings in a folder, the newest first."""
    found = [(entry, record) for entry in _folders(folder) if (record := read_record(entry))]
    return sorted(found, key=lambda landing: (landing[1].data_as_of, landing[0].name), reverse=True)


def free_name(folder: Path, run_id: str) -> Path:
    """An unused folder for a run's landing; a repeated run gets a new one."""
    names = [run_id, *(f"{run_id}-{number}" for number in range(2, 10_000))]
    return next(folder / name for name in names if not (folder / name).exists())


def delete_beyond(folder: Path, keep: int, needed: set[str]) -> None:
    """Delete delivered landings except the last `keep` and the `needed` ones.

    Undelivered landings older than the last delivered one are also deleted: they will not be resumed.
    """
    for entry in folder.glob(f"*{_BEGUN}"):
        shutil.rmtree(entry, ignore_errors=True)
    delivered = [entry for entry, record in landings(folder) if record.delivered_at]
    kept = {entry.name for entry in delivered[:keep]} | needed
    last = read_record(delivered[0]) if delivered else None
    for entry, record in landings(folder):
        is_abandoned = record.delivered_at is None and last and record.data_as_of <= last.data_as_of
        if entry.name not in kept and (record.delivered_at or is_abandoned):
            shutil.rmtree(entry, ignore_errors=True)


def _folders(folder: Path) -> list[Path]:
    try:
        return [
            entry
            for entry in folder.iterdir()
            if (entry / _RECORD).is_file() and not entry.name.endswith(_BEGUN)
        ]
    except OSError:
        return []


def now_iso() -> str:
    return datetime.now(UTC).isoformat()
