"""Where learning data comes from: a source is one file in this folder and one line in `SOURCES`."""

from collections.abc import Callable
from pathlib import Path

from flows.sources.base import Source
from flows.sources.demo import Demo
from flows.sources.files import Files
from flows.sources.oulad import Oulad
from schemas.errors import UsageError


def _demo(options: str) -> Source:
    try:
        return Demo(**{name: int(value) for name, value in _pairs(options) if name in ("learners", "seed")})
    except ValueError as error:
        raise UsageError("demo takes whole numbers: demo:learners=2000,seed=1.") from error


def _pairs(options: str) -> list[tuple[str, str]]:
    pairs = [part.partition("=")[::2] for part in options.split(",") if part]
    unknown = [name for name, _ in pairs if name not in ("learners", "seed")]
    if unknown:
        raise UsageError(f"demo has no option {unknown[0]!r}; it takes learners and seed.")
    return pairs


SOURCES: dict[str, Callable[[str], Source]] = {
    "files": lambda folder: Files(Path(folder)),
    "oulad": lambda folder: Oulad(Path(folder)),
    "demo": _demo,
}


def open_source(spec: str) -> Source:
    """The source that a text such as `files:DIR` or `demo:learners=500` names.

    Raises: UsageError if there is no such source or its options are wrong.
    """
    kind, _, options = spec.partition(":")
    if kind not in SOURCES:
        raise UsageError(
            f"There is no source {kind!r}; give files:DIR, oulad:DIR or demo[:learners=N,seed=S]."
        )
    if kind != "demo" and not options:
        raise UsageError(f"Source {kind} needs a folder: {kind}:DIR.")
    return SOURCES[kind](options)
