"""Open a source by name. A source is one module in this package and one line in `SOURCES`."""

import os
from collections.abc import Callable
from pathlib import Path

from flows.sources.base import Source
from flows.sources.demo import Demo
from flows.sources.files import Files
from flows.sources.learning360 import Learning360
from flows.sources.learning360.replay import Replay
from flows.sources.learning360.settings import Settings
from flows.sources.oulad import Oulad
from schemas.errors import UsageError


def _demo(options: str) -> Source:
    numbers = dict(_pairs(options))
    if not all(number.isascii() and number.isdigit() for number in numbers.values()):
        raise UsageError("demo takes non-negative whole numbers, e.g. demo:learners=2000,seed=1.")
    return Demo(**{name: int(number) for name, number in numbers.items()})


# Linux allows 4,096; the rest is for the names in the folder.
_LONGEST_PATH = 3_500


def _folder(options: str) -> Path:
    """The folder, with `~` expanded: a shell does not expand it in `files:~/exports`.

    Raises: UsageError if libraries can't open files at its path.
    """
    readable = os.fsencode(options).decode("utf-8", "backslashreplace")
    if readable.encode() != os.fsencode(options):
        raise UsageError(f"The path of the folder {readable} is not valid UTF-8; rename it.")
    if len(os.fsencode(options)) > _LONGEST_PATH:
        raise UsageError(f"The folder's path is longer than {_LONGEST_PATH:,} bytes: {options[:40]}…")
    try:
        return Path(options).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{options} is in the home of a user that does not exist.") from error


def _pairs(options: str) -> list[tuple[str, str]]:
    pairs = [part.partition("=")[::2] for part in options.split(",") if part]
    unknown = [name for name, _ in pairs if name not in ("learners", "seed")]
    if unknown:
        raise UsageError(f"demo has no option {unknown[0]!r}; it takes learners and seed.")
    return pairs


SOURCES: dict[str, Callable[[str], Source]] = {
    "files": lambda options: Files(_folder(options)),
    "changes": lambda options: Files(_folder(options), are_changes=True),
    "oulad": lambda options: Oulad(_folder(options)),
    "demo": _demo,
    "360learning": lambda options: Learning360(Settings.read()),
    "landing": lambda options: Replay(_folder(options)),
}
# The sources without a folder.
_WITHOUT_FOLDER = ("demo", "360learning")


def open_source(spec: str) -> Source:
    """The source for a text such as `files:DIR` or `demo:learners=500`.

    Raises: UsageError if the source is unknown or its options are wrong.
    """
    kind, _, options = spec.partition(":")
    if kind not in SOURCES:
        raise UsageError(
            f"Unknown source {kind!r}; give files:DIR, changes:DIR, oulad:DIR, 360learning, "
            "landing:DIR or demo[:learners=N,seed=S]."
        )
    if kind not in _WITHOUT_FOLDER and not options:
        raise UsageError(f"Source {kind} needs a folder: {kind}:DIR.")
    if kind == "360learning" and options:
        raise UsageError("Source 360learning takes no options; its settings are in the environment.")
    return SOURCES[kind](options)
