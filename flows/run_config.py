"""The configuration of a run."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flows.database.connection import DEFAULT_MEMORY_LIMIT
from flows.warehouse.thresholds import DEFAULT_THRESHOLDS, Thresholds
from schemas.errors import UsageError
from schemas.home import Home
from schemas.manifest import run_id

# Below it a run warns.
LEAST_AGREEMENT = 0.98


@dataclass(frozen=True)
class RunConfig:
    """The configuration of a run: names, limits and a time.

    source: None: nothing is extracted, the run works from what is in the warehouse.
    full_refresh:   compute every row, also the ones that can't differ from the live release.
    memory_limit: the memory limit of the warehouse; the rules need about 3 GB in addition.
    with_names: show learners by name and e-mail in the report, not by their ids.
    least_agreement: the share of a platform's own answers that are to be ours, or others for a known reason.
    """

    source: str | None
    home: Home
    as_of: datetime
    limits: Thresholds = DEFAULT_THRESHOLDS
    keep: int = 30
    full_refresh: bool = False
    memory_limit: str = DEFAULT_MEMORY_LIMIT
    with_names: bool = False
    least_agreement: float = LEAST_AGREEMENT

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone: 2026-03-10T00:00:00Z.")
        if not re.fullmatch(r"\d+(\.\d+)? ?[MG]B", self.memory_limit):
            raise UsageError(f"{self.memory_limit!r} is not a valid memory limit; write 4GB or 800MB.")
        if self.keep < 1:
            raise UsageError(f"keep={self.keep}: at least one release is kept; give 1 or more.")
        if "?" in str(self.home.root):
            # DuckDB takes what follows for parameters, and puts the file's log elsewhere.
            raise UsageError(
                f"{self.home.root} contains a question mark, which a home can't; give another --home."
            )
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))

    @property
    def run_id(self) -> str:
        return run_id(self.as_of)

    def parameters(self) -> dict[str, Any]:
        """The plan as parameters of the Prefect flow."""
        return {
            "source": self.source,
            "home": str(self.home.root),
            "as_of": self.as_of,
            "max_rejected_share": self.limits.rejected_share,
            "max_shrink_share": self.limits.shrink_share,
            "max_vanished_share": self.limits.vanished_share,
            "least_matched_share": self.limits.matched_share,
            "allow_missing_columns": self.limits.allow_missing_columns,
            "strict": self.limits.strict,
            "keep": self.keep,
            "full_refresh": self.full_refresh,
            "memory_limit": self.memory_limit,
            "with_names": self.with_names,
            "least_agreement": self.least_agreement,
        }
