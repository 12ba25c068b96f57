"""Make safe file names from ids, which may contain any character."""

import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from schemas.home import Release

_LONGEST = 120


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """A unique file name for each id, safe in every file system, including case-insensitive ones.

    >>> file_names(["acme", "Acme", "a/b", ".."])
    {'acme': 'acme.html', 'Acme': 'Acme~37036cd8f974.html', 'a/b': 'a%2Fb.html', '..': '%2E%2E.html'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in ids:
        safe = re.sub(r"[^\w-]", _escaped, name, flags=re.ASCII)
        if len(safe) > _LONGEST or safe.casefold() in taken:
            safe = f"{safe[:_LONGEST]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        taken.add(safe.casefold())
        names[name] = f"{safe}.html"
    return names


def reports(release: Release, companies: Collection[str]) -> dict[str, Path]:
    """The file of each company's report. companies: all companies with a report in the release, in order."""
    if len(companies) == 1:
        return dict.fromkeys(companies, release.report)
    return {name: release.folder / "report" / file for name, file in file_names(companies).items()}


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
