"""Read and write `manifest.json`, which describes a release and is the last file written into it."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

RULES_VERSION = "R1-R18, 2026-12"
SCHEMA_VERSION = "5"
# Keys of manifests before schema version 5, and their present names.
_RENAMED = {
    "enrolments_by_detailed_status": "enrollments_by_detailed_status",
    "carried": "reused",
    "folded": "deduplicated",
    "refused": "rejected",
    "waiting": "pending",
    "held": "rows",
}


@dataclass(frozen=True)
class TableIn:
    """Counts of the rows of an input table: read = stored + deduplicated + rejected.

    pending:    rows of the whole table with a missing reference.
    data_as_of: when the rows were extracted from their system, ISO 8601.
    delivery:   `full`, `changes`, `full and changes`, or `none`: the stored rows are unchanged.
    rows:       rows of the whole table, after this run.
    columns:    the contract's columns in the last delivery; empty if unknown.
    examples:   by reason, the detail of the first rejected row.
    """

    read: int
    stored: int
    deduplicated: int
    rejected: int
    pending: int
    reasons: dict[str, int]
    data_as_of: str
    delivery: str = "full"
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileOut:
    """A file of the release. rows: the number of rows of a parquet table, else null."""

    sha256: str
    bytes: int
    rows: int | None


@dataclass(frozen=True)
class StatusCounts:
    """Counts of a company's current enrollments. All but `archived` leave archived enrollments out.

    late: the count of is_late (R18).
    """

    by_detailed_status: dict[str, int]
    late: int
    archived: int

    @property
    def enrolled(self) -> int:
        return sum(self.by_detailed_status.values())


@dataclass(frozen=True)
class Agreement:
    """How often the platform's own results equal ours.

    compared:    the number of enrollments on both sides.
    same:        by field, how many of these have the same value.
    differences: by category and field, how many differ; includes enrollments on one side only.
    """

    compared: int
    same: dict[str, int]
    differences: dict[str, dict[str, int]]

    @property
    def on_one_side(self) -> int:
        """The number of enrollments that only we or only the platform has."""
        return sum(found.get("enrollment", 0) for found in self.differences.values())

    @property
    def share_on_both_sides(self) -> float | None:
        """The share of all enrollments that were compared; None without enrollments.

        >>> Agreement(3, {}, {"unexplained": {"enrollment": 1}}).share_on_both_sides
        0.75
        """
        return _share(self.compared, self.compared + self.on_one_side)

    def share(self, field: str) -> float | None:
        """The share of a field's values that are the same; None if nothing was compared.

        >>> Agreement(4, {"score": 3}, {"unexplained": {"score": 1}}).share("score")
        0.75
        """
        return _share(self.same[field], self.compared)

    def accounted_for(self, field: str) -> float | None:
        """The share of a field's values that are the same or differ for a known reason, as in `share`."""
        unexplained = self.differences.get("unexplained", {}).get(field, 0)
        return _share(self.compared - unexplained, self.compared)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def percent(share: float | None) -> str:
    """A share in percent, for display.

    >>> percent(0.75), percent(None)
    ('75.00%', 'n/a')
    """
    return "n/a" if share is None else f"{share:.2%}"


@dataclass(frozen=True)
class Matched:
    """How many rows of step_activity have known references.

    user, step:    rows with a known user; rows with a step of any path.
    in_session:    rows that name a session. session: rows with a known session.
    complete:      rows with a known user, session and step.
    in_enrollment: rows that name an enrollment. enrollment: rows that name an enrollment of the same
                   learner in the same session.
    """

    rows: int
    user: int
    step: int
    in_session: int
    session: int
    complete: int
    in_enrollment: int = 0
    enrollment: int = 0

    @classmethod
    def total(cls, parts: Iterable["Matched"]) -> "Matched":
        """The sum over all companies.

        >>> Matched.total([Matched(4, 4, 3, 2, 1, 1), Matched(1, 0, 0, 0, 0, 0)])
        Matched(rows=5, user=4, step=3, in_session=2, session=1, complete=1, in_enrollment=0, enrollment=0)
        """
        counts = [astuple(part) for part in parts]
        return cls(*map(sum, zip(*counts, strict=True))) if counts else cls(0, 0, 0, 0, 0, 0)

    def shares(self) -> dict[str, float | None]:
        """The share of known references among the rows with a reference; None if no row has one.

        >>> Matched(8, 8, 6, 4, 0, 0).shares()
        {'user': 1.0, 'session': 0.0, 'step': 0.75, 'enrollment': None}
        """
        counts = {
            "user": (self.user, self.rows),
            "session": (self.session, self.in_session),
            "step": (self.step, self.rows),
            "enrollment": (self.enrollment, self.in_enrollment),
        }
        return {kind: known / of if of else None for kind, (known, of) in counts.items()}

    @property
    def in_words(self) -> str:
        """The counts in one phrase.

        >>> Matched(rows=8, user=8, step=7, in_session=6, session=0, complete=0).in_words
        'user known in 8 of 8 rows, session in 0 of the 6 that name one, step in 7 of 8'
        """
        named = f", enrollment in {self.enrollment:,} of the {self.in_enrollment:,} that name one"
        return (
            f"user known in {self.user:,} of {self.rows:,} rows, session in {self.session:,} of the "
            f"{self.in_session:,} that name one, step in {self.step:,} of {self.rows:,}"
            f"{named if self.in_enrollment else ''}"
        )

    @property
    def percentages(self) -> str:
        """The shares in one phrase; a share below 100 % is never rounded up to it.

        >>> Matched(rows=3000, user=2999, step=2000, in_session=0, session=0, complete=0).percentages
        'user 99.9%, session –, step 66.6%'
        """
        shares = {kind: it for kind, it in self.shares().items() if it is not None or kind != "enrollment"}
        return ", ".join(
            f"{kind} –" if share is None else f"{kind} {math.floor(share * 1000) / 10:.1f}%"
            for kind, share in shares.items()
        )


@dataclass(frozen=True)
class Manifest:
    """A release in figures. Times are ISO 8601, UTC.

    computed, reused: enrollments that were computed, and enrollments that were reused from the base release.
    since:            the release that status_changes compares with; null for a first release.
    transitions:      how many enrollments changed since then, by kind of change (TRANSITIONS).
    companies:        the status counts of each company; empty in releases that predate reports.
    parity:           agreement with the platform's own results; null if they were not read.
    matched:          by company, how much activity has a known user, session and step.
    warnings:         sentences about the data for a person, each starting with its table.
    """

    release_id: str
    run_id: str
    as_of: str
    created_at: str
    source: str
    tables_in: dict[str, TableIn]
    files: dict[str, FileOut]
    enrollments_by_detailed_status: dict[str, int]
    # Manifests from before incremental runs lack these four.
    computed: int = 0
    reused: int = 0
    since: str | None = None
    transitions: dict[str, int] = field(default_factory=dict)
    companies: dict[str, StatusCounts] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parity: Agreement | None = None
    matched: dict[str, Matched] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    rules_version: str = RULES_VERSION
    schema_version: str = SCHEMA_VERSION

    @property
    def enrollments(self) -> int:
        return sum(self.enrollments_by_detailed_status.values())

    @property
    def since_as_of(self) -> datetime | None:
        """The as_of of the release that status_changes compares with."""
        return as_of_in(self.since) if self.since else None

    @property
    def is_for_an_earlier_time(self) -> bool:
        """Whether this release is for an earlier time than the one that status_changes compares with.

        Differences then go backwards in time: they have not happened yet.
        """
        return self.since_as_of is not None and datetime.fromisoformat(self.as_of) < self.since_as_of

    @property
    def bytes(self) -> int:
        """The size of all files except the manifest."""
        return sum(out.bytes for out in self.files.values())

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, file: Path) -> Self:
        facts: dict[str, Any] = _renamed(json.loads(file.read_text("utf-8")))
        facts["tables_in"] = {name: TableIn(**_renamed(it)) for name, it in facts["tables_in"].items()}
        facts["files"] = {name: FileOut(**out) for name, out in facts["files"].items()}
        facts["companies"] = {name: StatusCounts(**it) for name, it in facts.get("companies", {}).items()}
        facts["matched"] = {name: Matched(**it) for name, it in facts.get("matched", {}).items()}
        facts["parity"] = Agreement(**facts["parity"]) if facts.get("parity") else None
        return cls(**facts)


def _renamed(facts: dict[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(key, key): value for key, value in facts.items()}


def as_of_in(release_id: str) -> datetime:
    """The as_of in a release id; works for deleted releases too.

    >>> as_of_in("20150101T000000Z-2")
    datetime.datetime(2015, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.fromisoformat(release_id.partition("-")[0])


def run_id(as_of: datetime) -> str:
    """A run's id: its as_of, so that a repeated run has the same id.

    >>> from datetime import UTC
    >>> run_id(datetime(2015, 1, 1, tzinfo=UTC))
    '20150101T000000Z'
    """
    fraction = f".{as_of.microsecond:06}" if as_of.microsecond else ""
    # %Y drops a year's leading zeros.
    return f"{as_of.year:04}{as_of:%m%dT%H%M%S}{fraction}Z"
