"""Make Ctrl-C reliable: in Python code called by polars it would be dropped, or become a TypeError."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Tells whether Ctrl-C came; it is KeyboardInterrupt as ever, and is not printed where that is dropped.

    In a thread that is not the main one it does nothing: Ctrl-C never falls there.
    """
    came = False
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield lambda: False
        return

    def note(number: int, frame: Any) -> None:
        nonlocal came
        came = True
        handler(number, frame)

    def tell_others(dropped: Any) -> None:
        if dropped.exc_type is not KeyboardInterrupt:
            hook(dropped)

    signal.signal(signal.SIGINT, note)
    sys.unraisablehook = tell_others
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = hook


@contextmanager
def heeded() -> Iterator[Callable[[], None]]:
    """Turn failures after Ctrl-C into KeyboardInterrupt; the yielded function raises one that was dropped."""
    with noted() as came:

        def heed() -> None:
            if came():
                raise KeyboardInterrupt

        try:
            yield heed
        except BaseException as error:  # A panic of polars is no Exception.
            if came() and not isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise
