"""The one place that reads the environment."""

import os
import re
from pathlib import Path

from schemas.errors import UsageError
from schemas.home import Home, default_home

# A path keeps one slash of two: s3:/bucket. One letter before the colon is a drive of Windows.
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/")


def home(given: str | Path | None = None) -> Home:
    """The home: what was given, else PATHSTATS_HOME, else `data/` of the checkout or `pathstats-data/` here.

    Absolute, so that it stays the same folder when the process moves to another one.
    Raises: UsageError if it is an address, such as s3://bucket.
    """
    place = str(given or os.environ.get("PATHSTATS_HOME") or default_home())
    if address := _ADDRESS.match(place):
        scheme, rest = address[0].removesuffix("/"), place[address.end() :].lstrip("/")
        raise UsageError(
            f"{scheme}//{rest} can't be a home, which is a folder on this machine; "
            "give --home or PATHSTATS_HOME the path of one."
        )
    return Home(Path(place).absolute())
