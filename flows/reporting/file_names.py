"""File names for ids, which may hold anything."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

_LONGEST = 120


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """A name of its own for each id: safe in every file system, also where case makes no difference.

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


def company_pages(release: Path, companies: Iterable[str]) -> dict[str, Path]:
    """Where in a release the report of each company lies; these are all its companies, sorted.

    >>> company_pages(Path("r"), ["acme"])["acme"].as_posix()
    'r/report.html'
    >>> company_pages(Path("r"), ["acme", "other"])["acme"].as_posix()
    'r/report/acme.html'
    """
    names = file_names(companies)
    if len(names) == 1:
        return dict.fromkeys(names, release / "report.html")
    return {company: release / "report" / name for company, name in names.items()}


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
