"""The configuration of a run: each option is declared once, for the command line and for Prefect."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.errors import UsageError
from schemas.home import Home, home_at
from schemas.manifest import run_id

DEFAULT_MEMORY_LIMIT = "3GB"
SOURCES = (
    "files:DIR contains full tables, and in changes/ later changes; changes:DIR contains changes only; "
    "360learning, set up in the environment or pathstats.toml; landing:DIR, what an earlier run read of "
    "it; oulad:DIR; demo[:learners=N,seed=S]."
)


def option(
    default: Any, meaning: str, *, metavar: str | None = None, shown_default: str | None = None
) -> Any:
    """A field that is also an option of the command line: `max_shrink` is `--max-shrink`."""
    shown: Any = {"metavar": metavar, "shown_default": shown_default}
    return Field(default, description=meaning, json_schema_extra=shown)


def share(default: float, meaning: str) -> Any:
    """A field with a share between 0 and 1."""
    return Field(default, ge=0, le=1, description=meaning, json_schema_extra={"metavar": "SHARE"})


class Options(BaseSettings):
    """Fields read from PATHSTATS_… in the environment where they are not given."""

    model_config = SettingsConfigDict(
        env_prefix="PATHSTATS_", extra="forbid", frozen=True, env_ignore_empty=True
    )

    def __init__(self, **given: Any) -> None:
        """Raises: UsageError, naming each field that is wrong."""
        try:
            super().__init__(**given)
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors())
            raise UsageError(f"The run's options are wrong: {'; '.join(wrong)}.") from None


class Thresholds(Options):
    """Quality thresholds of a run: how much loss blocks it."""

    max_rejected: float = share(
        0.05, "The share of a table's rows that may be rejected; above it nothing is published."
    )
    max_shrink: float = share(
        0.2,
        "The share of its rows that a whole table may have lost since the last run; above it nothing is "
        "published.",
    )
    allow_shrink: bool = option(
        False, "Publish this once, whatever the tables have lost: rows were deleted on purpose."
    )
    max_vanished: float = share(
        0.05,
        "The share of the live release's completion dates that may vanish; above it, and from ten dates on, "
        "nothing is published.",
    )
    allow_vanished: bool = option(False, "Publish this once, whatever completion dates vanish.")
    min_matched: float = share(
        0.5,
        "The share of activity in sessions that should have a known user, session and step; below it the run "
        "warns.",
    )
    allow_missing_columns: bool = option(
        False, "Publish this once without columns that rules read and earlier deliveries had."
    )
    strict: bool = option(False, "Publish nothing if a plausibility warning is found.")

    def has_shrunk(self, before: int, after: int) -> bool:
        """Whether the loss of rows, from `before` to `after`, is above max_shrink."""
        # The share as a quotient: of 50 rows a limit of 42 % lets 29 through, but 50 * (1 - 0.42) > 29.
        return not self.allow_shrink and before > 0 and (before - after) / before > self.max_shrink


class RunConfig(Thresholds):
    """The configuration of a run: the one parameter of the Prefect flow and of `run_pipeline`.

    source: None: nothing is extracted, the run works from the rows in the warehouse.
    as_of:  None: the time that the Prefect run was scheduled for. `run_pipeline` needs a time.
    notify_url: it may contain a token, so it is never serialized: not in a parameter of a Prefect run.
    """

    source: str | None = option(None, SOURCES, metavar="SRC", shown_default="the rows in the warehouse")
    home: Annotated[
        Home,
        NoDecode,
        BeforeValidator(lambda given: given if isinstance(given, Home) else home_at(given)),
        PlainSerializer(lambda home: str(home.root), return_type=str),
        WithJsonSchema({"type": "string", "format": "path"}),
    ] = Field(default_factory=home_at)
    as_of: datetime | None = None
    full_refresh: bool = option(False, "Recompute every enrollment, also the ones that can't have changed.")
    keep: int = Field(
        30,
        ge=1,
        description="How many releases are kept; a run that has published deletes the oldest beyond.",
        json_schema_extra={"metavar": "N"},
    )
    memory: str = option(
        DEFAULT_MEMORY_LIMIT, "The memory limit of the warehouse; the rules need about 3 GB in addition."
    )
    with_names: bool = option(
        False, "Show learners by name and e-mail in the report; by their ids otherwise."
    )
    min_agreement: float = share(
        0.98,
        "The share of a platform's own results that should equal ours, or differ for a known reason; below "
        "it the run warns.",
    )
    notify_url: SecretStr | None = Field(None, exclude=True)

    @field_validator("as_of")
    @classmethod
    def _in_utc(cls, as_of: datetime | None) -> datetime | None:
        if as_of is not None and as_of.tzinfo is None:
            raise UsageError("as_of needs a time zone: 2026-03-10T00:00:00Z.")
        return as_of and as_of.astimezone(UTC)

    @field_validator("memory")
    @classmethod
    def _size(cls, memory: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)? ?[MG]B", memory):
            raise UsageError(f"{memory!r} is not a valid memory limit; write 4GB or 800MB.")
        return memory

    @field_validator("home")
    @classmethod
    def _without_question_mark(cls, home: Home) -> Home:
        if "?" in str(home.root):
            # DuckDB takes what follows for parameters, and puts the file's log elsewhere.
            raise UsageError(
                f"{home.root} contains a question mark, which a home can't; give another --home."
            )
        return home

    @property
    def instant(self) -> datetime:
        """as_of, which a run that computes must have."""
        if self.as_of is None:
            raise UsageError("The run has no as_of; give one, with its zone: 2026-03-10T00:00:00Z.")
        return self.as_of

    @property
    def run_id(self) -> str:
        return run_id(self.instant)
