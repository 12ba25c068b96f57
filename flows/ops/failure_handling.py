"""Record a failed run as an incident, for `pathstats status`, and send the notification."""

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from flows.ops import incidents, notifications
from flows.ops.notifications import Webhook
from flows.release import publish
from flows.run_config import RunConfig
from schemas.errors import HomeUnwritable, PathStatsError, RunFailed


@contextmanager
def telling_of_an_unwritable_home(config: RunConfig) -> Iterator[None]:
    """Such a home can't store that a notification was sent: each run sends one.

    A busy home is not a failure: the run that uses it reports its own end.
    """
    try:
        yield
    except HomeUnwritable as error:
        _failed(config, error)
        raise


@contextmanager
def remembering_failure(config: RunConfig) -> Iterator[None]:
    """Store a run's failure, for `pathstats status`, and notify; the next success ends the incident.

    Raises: every failure as a PathStatsError; one that is not expected is ours, and names no data.
    """
    try:
        yield
    except PathStatsError as error:
        _stopped(config, error)
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        failed = RunFailed(incidents.in_one_sentence(config.home, error))
        _stopped(config, failed)
        raise failed from error
    incidents.end(config.home)
    notifications.notify_recovery(Webhook.of(config), config.home, config.instant)


def _stopped(config: RunConfig, error: PathStatsError) -> None:
    # On a full disk, only the run's own files can make room for the note.
    publish.discard_unfinished(config.home)
    _failed(config, error)


def _failed(config: RunConfig, error: PathStatsError) -> None:
    incident = incidents.remember(config.home, incidents.Failure.now(config.instant, error))
    notifications.notify_failure(Webhook.of(config), config.home, incident)
