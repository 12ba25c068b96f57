"""Where the pages of a release's report come from."""

import importlib
from pathlib import Path
from urllib.parse import quote

from pathstats.open_release import OpenRelease
from schemas.errors import NotFound


class ReportNotFound(NotFound):
    """The release has no such page: it was made before releases had reports, or has no such company."""

    code = "report_not_found"


def company_page(release: OpenRelease, company_id: str) -> bytes:
    """The page of a company: the release's only one, or the company's among several.

    Raises: ReportNotFound.
    """
    folder = release.release.folder
    is_only = release.companies(limit=2) == [company_id]
    page = folder / "report.html" if is_only else folder / "report" / f"{quote(company_id, safe='')}.html"
    try:
        return page.read_bytes()
    except OSError:
        raise ReportNotFound from None


def session_page(folder: Path, company_id: str, session_id: str, *, with_names: bool) -> bytes:
    """The page of a session of the release in that folder, made when it is asked for.

    Raises: ReportNotFound.
    """
    try:
        maker = importlib.import_module("flows.reporting.session_page")
    except ModuleNotFoundError:
        raise ReportNotFound from None
    page: str = maker.session_page(folder, company_id, session_id, with_names=with_names)
    return page.encode("utf-8")
