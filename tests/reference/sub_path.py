"""R17: a step of type path takes its outcome from the learner's child session."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tests.reference.rows import Attempt
from tests.reference.step_outcome import Outcome


@dataclass(frozen=True)
class Child:
    """The result of the child enrollment."""

    progress: int
    score: int | None
    global_time_ms: int
    started_at: datetime | None
    all_required_finished_at: datetime | None
    completed_at: datetime | None
    decided_by_rule: str
    some_replay_pending: bool


@dataclass(frozen=True)
class SubPath(Outcome):
    """R17: the outcome of a sub-path of which there is a child enrollment."""

    child: Child

    @cached_property
    def in_session(self) -> list[Attempt]:
        """Attempts at the step itself say nothing."""
        return []

    @cached_property
    def carried_over(self) -> list[Attempt]:
        """Attempts at the step itself say nothing."""
        return []

    @property
    def finished(self) -> bool:
        """All required steps of the child are finished."""
        return self.finished_at is not None

    @property
    def finished_at(self) -> datetime | None:
        return self.child.all_required_finished_at

    @property
    def successful(self) -> bool:
        """The child is successful."""
        return self.child.decided_by_rule == "2"

    @property
    def successful_at(self) -> datetime | None:
        return self.child.completed_at

    @property
    def exhausted(self) -> bool:
        """The child is unsuccessful without a reason, finished or not."""
        return self.child.decided_by_rule == "3"

    @property
    def awaiting_correction(self) -> bool:
        """The child is awaitingCorrection."""
        return self.child.decided_by_rule == "4"

    @property
    def replay_pending(self) -> bool:
        """The child would say toRetake, mandatoryReplay, but perhaps for its session's end."""
        return self.child.decided_by_rule == "5a" and self.child.some_replay_pending

    @property
    def score(self) -> float | None:
        return self.child.score

    @property
    def progress(self) -> int:
        return self.child.progress

    @property
    def time_ms(self) -> int:
        return self.child.global_time_ms

    @property
    def started_at(self) -> datetime | None:
        return self.child.started_at
