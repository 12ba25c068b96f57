"""Notify one webhook of an incident: its first cause once, and once of the recovery.

A notification never fails a run: if it can't be delivered, the run warns and a later run tries again. The
webhook's address may contain a secret token: it is in no parameter of a Prefect flow, and in no log, error or
file.
"""

import logging
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import stamina

from flows.ops.incidents import Failure, Incident, read_note, write_note
from flows.run_config import RunConfig
from schemas.errors import UsageError, may_help_later
from schemas.home import Home

log = logging.getLogger("pathstats.run")

_ANSWER_WITHIN_S = 10
_GIVE_UP_AFTER_S = 20.0


@dataclass(frozen=True)
class Webhook:
    """The address that notifications are sent to."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises: UsageError, without the address, if it is invalid."""
        try:
            is_web = httpx.URL(self.url).scheme in ("http", "https") and httpx.URL(self.url).host
        except httpx.InvalidURL:
            is_web = ""
        if not is_web:
            raise UsageError("The address in --notify or PATHSTATS_NOTIFY_URL is invalid; write https://….")

    @classmethod
    def of(cls, config: RunConfig) -> "Webhook | None":
        """The webhook that the run's configuration names, if any; an invalid address is a warning."""
        url = config.notify_url.get_secret_value() if config.notify_url else ""
        try:
            return cls(url) if url else None
        except UsageError as error:
            log.warning("No notification is sent: %s", error)
            return None


def notify_failure(webhook: Webhook | None, home: Home, incident: Incident) -> None:
    """Send the incident's first cause, unless it was sent before."""
    if webhook is None or read_note(home.notified) == asdict(incident.first):
        return
    first = incident.first
    if _delivered(webhook, _notification("failed", first, first.as_of, first.exit_code, first.message)):
        write_note(home.notified, asdict(first))


def notify_recovery(webhook: Webhook | None, home: Home, as_of: datetime) -> None:
    """Send the recovery of the incident that was sent, if any."""
    try:
        first = Failure(**read_note(home.notified))
    except TypeError:
        return
    message = f"A run is published again; the first to fail was at {first.at}."
    if webhook is None or _delivered(
        webhook, _notification("recovered", first, as_of.isoformat(), 0, message)
    ):
        with suppress(OSError):
            home.notified.unlink()


def _notification(
    event: Literal["failed", "recovered"], first: Failure, as_of: str, exit_code: int, message: str
) -> dict[str, Any]:
    return {
        "event": event,
        "incident": first.at,
        "at": first.at if event == "failed" else datetime.now(UTC).isoformat(timespec="microseconds"),
        "as_of": as_of,
        "exit_code": exit_code,
        "message": message,
    }


def _delivered(webhook: Webhook, notification: dict[str, Any]) -> bool:
    """Whether the webhook accepted the notification, within a fixed time whatever the server does."""
    answers: list[str | None] = []
    thread = threading.Thread(target=lambda: answers.append(_post(webhook, notification)), daemon=True)
    thread.start()
    thread.join(_GIVE_UP_AFTER_S)
    why = answers[0] if answers else f"no answer within {_GIVE_UP_AFTER_S:.0f} s"
    if why is not None:
        log.warning("The notification that the run %s was not delivered: %s.", notification["event"], why)
    return why is None


class _NotTaken(Exception):
    """The webhook did not take the notification. pause_s: how long it asks to wait; None: as it suits us."""

    def __init__(self, why: str, *, may_help: bool, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.may_help = may_help
        self.pause_s = pause_s


def _post(webhook: Webhook, notification: dict[str, Any]) -> str | None:
    """The reason why the webhook did not accept the notification; None if it did."""
    # Without a handler stamina would log each retry on the user's screen.
    stamina.instrumentation.set_on_retry_hooks(())
    unsaid = _Unsaid(httpx.URL(webhook.url))
    logging.getLogger("httpx").addFilter(unsaid)
    try:
        for attempt in stamina.retry_context(on=_may_help, attempts=4, timeout=15, wait_initial=0.5):
            with attempt:
                _post_once(webhook, notification)
    except _NotTaken as error:
        return str(error)
    except Exception as error:
        return type(error).__name__
    finally:
        logging.getLogger("httpx").removeFilter(unsaid)
    return None


def _post_once(webhook: Webhook, notification: dict[str, Any]) -> None:
    try:
        with httpx.stream("POST", webhook.url, json=notification, timeout=_ANSWER_WITHIN_S) as answer:
            status, pause = answer.status_code, answer.headers.get("Retry-After", "")
    except httpx.TransportError as error:
        # A server that has read it and does not answer may have accepted it: don't send a second one.
        may_help = not isinstance(error, httpx.ReadTimeout)
        raise _NotTaken(type(error).__name__, may_help=may_help) from None
    if not 200 <= status < 300:
        may_help = may_help_later(status)
        pause_s = float(pause) if pause.isascii() and pause.isdigit() else None
        raise _NotTaken(f"HTTP {status}", may_help=may_help, pause_s=pause_s)


def _may_help(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if not isinstance(error, _NotTaken) or not error.may_help:
        return False
    return True if error.pause_s is None else error.pause_s


class _Unsaid(logging.Filter):
    """Drop httpx's log lines about requests to this address: they contain it."""

    def __init__(self, url: httpx.URL) -> None:
        super().__init__()
        self._url = url

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(isinstance(word, httpx.URL) and word == self._url for word in arguments)
