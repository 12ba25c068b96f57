"""What a release says of itself: `manifest.json`, the last file written into it."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

RULES_VERSION = "R1-R17, 2026-12"
SCHEMA_VERSION = "3"


@dataclass(frozen=True)
class TableIn:
    """What became of the rows of a table that came in: read = stored + folded + refused.

    waiting:    rows of the whole table whose partner has not arrived.
    data_as_of: when the rows were taken from the system they come from, ISO 8601.
    delivery:   `full`, `changes`, `full and changes`, or `none`: what the warehouse held still holds.
    held:       rows of the whole table, after this night.
    """

    read: int
    stored: int
    folded: int
    refused: int
    waiting: int
    reasons: dict[str, int]
    data_as_of: str
    delivery: str = "full"
    held: int = 0


@dataclass(frozen=True)
class FileOut:
    """A file of the release. rows: of a parquet table, else null."""

    sha256: str
    bytes: int
    rows: int | None


@dataclass(frozen=True)
class Standing:
    """Where a company's learners stand: of enrolments that are current, and not archived but for `archived`.

    late: those with an overdue required step who can still pass.
    """

    by_detailed_status: dict[str, int]
    late: int
    archived: int

    @property
    def enrolled(self) -> int:
        return sum(self.by_detailed_status.values())


@dataclass(frozen=True)
class Agreement:
    """How often the platform's own answers are ours.

    compared:    enrolments that both answer for.
    same:        of these, by field, how many have the same value.
    differences: by class and field, how many differ; also of enrolments that only one of both has.
    """

    compared: int
    same: dict[str, int]
    differences: dict[str, dict[str, int]]

    def share(self, field: str) -> float:
        """The share of the values that are the same.

        >>> Agreement(4, {"score": 3}, {"unexplained": {"score": 1}}).share("score")
        0.75
        """
        return self.same[field] / self.compared if self.compared else 1.0

    def accounted_for(self, field: str) -> float:
        """The share of the values that are the same, or others for a reason that is known."""
        unexplained = self.differences.get("unexplained", {}).get(field, 0)
        return 1 - unexplained / self.compared if self.compared else 1.0


@dataclass(frozen=True)
class Manifest:
    """A release in figures. Times are ISO 8601, UTC.

    computed, carried: enrolments that were computed anew, and that were taken over from the release before.
    since:             the release that status_changes compares with; null if there is none.
    transitions:       how many enrolments changed since, by what people act on.
    companies:         where the learners of each company stand; none in releases made before reports were.
    parity:            the platform's own answers against ours; null if it was not asked.
    warnings:          sentences about the data that a person should know, each with its table in front.
    """

    release_id: str
    run_id: str
    as_of: str
    created_at: str
    source: str
    tables_in: dict[str, TableIn]
    files: dict[str, FileOut]
    enrolments_by_detailed_status: dict[str, int]
    # Releases made before nights were incremental say nothing of these four.
    computed: int = 0
    carried: int = 0
    since: str | None = None
    transitions: dict[str, int] = field(default_factory=dict)
    companies: dict[str, Standing] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parity: Agreement | None = None
    warnings: list[str] = field(default_factory=list)
    rules_version: str = RULES_VERSION
    schema_version: str = SCHEMA_VERSION

    @property
    def enrolments(self) -> int:
        return sum(self.enrolments_by_detailed_status.values())

    @property
    def since_as_of(self) -> datetime | None:
        """What the release is for that status_changes compares with."""
        return as_of_in(self.since) if self.since else None

    @property
    def is_for_an_earlier_time(self) -> bool:
        """Whether that one is for a later time: what differs has not come since, but is not yet so."""
        return self.since_as_of is not None and datetime.fromisoformat(self.as_of) < self.since_as_of

    @property
    def bytes(self) -> int:
        """The size of all files but the manifest."""
        return sum(out.bytes for out in self.files.values())

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, file: Path) -> Self:
        facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
        facts["tables_in"] = {name: TableIn(**table) for name, table in facts["tables_in"].items()}
        facts["files"] = {name: FileOut(**out) for name, out in facts["files"].items()}
        facts["companies"] = {name: Standing(**it) for name, it in facts.get("companies", {}).items()}
        facts["parity"] = Agreement(**facts["parity"]) if facts.get("parity") else None
        return cls(**facts)


def as_of_in(release_id: str) -> datetime:
    """The time a release is for, as its id tells it, also when the release itself is deleted.

    >>> as_of_in("20150101T000000Z-2")
    datetime.datetime(2015, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.fromisoformat(release_id.partition("-")[0])


def run_id(as_of: datetime) -> str:
    """A night's name: its as_of, so that a night run again has the same one.

    >>> from datetime import UTC
    >>> run_id(datetime(2015, 1, 1, tzinfo=UTC))
    '20150101T000000Z'
    """
    fraction = f".{as_of.microsecond:06}" if as_of.microsecond else ""
    # %Y leaves out a year's leading zeros.
    return f"{as_of.year:04}{as_of:%m%dT%H%M%S}{fraction}Z"
