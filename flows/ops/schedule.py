"""Run by a schedule from one terminal, with our own Prefect server unless another one is configured."""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from flows.ops import prefect_server, run_parameters
from flows.run_config import RunConfig
from schemas.errors import UsageError

Spinner = Callable[[str], AbstractContextManager[None]]

_PATIENCE_WITH_RUNS_S = 20
_PATIENCE_WITH_PREFECT_S = 20


def serve_schedule(
    flow: Any,
    config: RunConfig,
    *,
    cron: str,
    timezone: str,
    say: Callable[[str], None],
    spinner: Spinner,
) -> None:
    """Run the flow by the schedule until interrupted or stopped.

    flow: Prefect's, with the one parameter `config`.
    say: shows a sentence. spinner: shows a reason for as long as something takes.
    Raises: UsageError if the schedule can't be read; RunFailed if the server does not start.
    """
    with _ended_like_an_interrupt():
        from prefect.client.schemas.schedules import CronSchedule

        try:
            when = CronSchedule(cron=cron, timezone=timezone)
        except ValueError as error:
            raise UsageError(
                f"{cron!r} in {timezone!r} is not a schedule; give five cron fields and a zone: Europe/Paris."
            ) from error
        if not prefect_server.is_named():
            with spinner("Starting Prefect's server"):
                prefect_server.start(schedules=True)
        run_parameters.fix(config)
        runner = one_at_a_time(flow, config, schedules=[when])
        try:
            say(f"Running at {cron!r} ({timezone}). Ctrl-C ends this.")
            asyncio.run(_until_interrupted(runner))
        except KeyboardInterrupt:
            say("Ending.")
            _end_in_any_case()


def _end_in_any_case() -> None:
    """Bound the time that this process takes to end.

    At its end Prefect waits, without a limit, until its threads have sent all logs and events. They try for
    long where the server does not answer.
    """

    def end() -> None:
        prefect_server.end()
        sys.stdout.flush()
        os._exit(0)

    timer = threading.Timer(_PATIENCE_WITH_PREFECT_S, end)
    timer.daemon = True
    timer.start()


async def _until_interrupted(runner: Any) -> None:
    """Execute due runs; when interrupted, wait for the running one, but not forever.

    Prefect's part of its process may hang while it ends, and the runner would wait for it.
    """
    serving = asyncio.ensure_future(runner.start())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        serving.cancel()
        try:
            await asyncio.wait([serving], timeout=_PATIENCE_WITH_RUNS_S)
        finally:  # Interrupted once more, at once.
            for run in multiprocessing.active_children():
                run.kill()
        raise


def one_at_a_time(flow: Any, config: RunConfig, schedules: list[Any]) -> Any:
    """Prefect's runner of the runs that are due; Prefect must know its server's address before.

    One at a time: runs that are due together, after a pause, follow each other in their order.
    schedules: Prefect's own.
    """
    from prefect.runner import Runner

    runner = Runner(name="nightly", limit=1)
    # Prefect's own handler never awaits its stop, which causes a warning.
    runner.handle_sigterm = _interrupt  # type: ignore[method-assign]
    # Without null values: those are read from the environment of the run's process.
    parameters = {"config": config.model_dump(mode="json", exclude_none=True)}
    runner.add_flow(flow, name="nightly", parameters=parameters, schedules=schedules)
    return runner


def _interrupt(*_: Any) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # As in a background process of a script: the signal would have no effect.
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _ended_like_an_interrupt() -> Iterator[None]:
    """A termination or a closed terminal ends what was started here, as Ctrl-C does."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
