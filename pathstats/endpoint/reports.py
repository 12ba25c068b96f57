"""Where the pages of a release's report come from."""

from pathlib import Path

from flows.reporting.file_names import file_names
from schemas.errors import NotFound
from schemas.home import Release
from schemas.manifest import Manifest


class ReportNotFound(NotFound):
    """The release has no such page: it was made before releases had reports, or has no such company."""

    code = "report_not_found"


def company_page(release: Release, company_id: str) -> bytes:
    """The page of a company: the release's report, or where that lists several companies, its own.

    Raises: ReportNotFound.
    """
    names = file_names(Manifest.read(release.manifest).companies)
    if company_id not in names:
        raise ReportNotFound
    page = release.report if len(names) == 1 else release.folder / "report" / names[company_id]
    try:
        return page.read_bytes()
    except FileNotFoundError:
        raise ReportNotFound from None


def session_page(folder: Path, company_id: str, session_id: str, *, with_names: bool) -> bytes:
    """The page of a session of the release in that folder, made when it is asked for.

    Raises: PathSessionNotFound.
    """
    # Polars, which no other answer needs.
    from flows.reporting import session_page as maker

    return maker.session_page(folder, company_id, session_id, with_names=with_names).encode("utf-8")
