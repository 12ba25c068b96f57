"""Record a failed run as an incident, for `pathstats status`, and send the notification."""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from flows.ops import incidents, notifications
from flows.release import publish
from flows.run_config import RunConfig
from schemas.errors import HomeUnwritable, PathStatsError, RunFailed


@contextmanager
def telling_of_an_unwritable_home(plan: RunConfig, webhook: notifications.Webhook | None) -> Iterator[None]:
    """Such a home can't store that a notification was sent: each run sends one.

    A busy home is not a failure: the run that uses it reports its own end.
    """
    try:
        yield
    except HomeUnwritable as error:
        _failed(plan, webhook, error)
        raise


@contextmanager
def remembering_failure(plan: RunConfig, webhook: notifications.Webhook | None) -> Iterator[None]:
    """Store a run's failure, for `pathstats status`, and notify; the next success ends the incident.

    Raises: every failure as a PathStatsError; one that is not expected is ours, and names no data.
    """
    try:
        yield
    except PathStatsError as error:
        _stopped(plan, webhook, error)
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        failed = RunFailed(incidents.in_one_sentence(plan.home, error))
        _stopped(plan, webhook, failed)
        raise failed from error
    incidents.end(plan.home)
    notifications.notify_recovery(webhook, plan.home, plan.as_of)


def _stopped(plan: RunConfig, webhook: notifications.Webhook | None, error: PathStatsError) -> None:
    # On a full disk the room for the note is what the run has taken itself.
    publish.discard_unfinished(plan.home)
    _failed(plan, webhook, error)


def _failed(plan: RunConfig, webhook: notifications.Webhook | None, error: PathStatsError) -> None:
    incident = incidents.remember(plan.home, incidents.Failure.now(plan.as_of, error))
    notifications.notify_failure(webhook, plan.home, incident)
