"""Load the pages of a release's report."""

from pathlib import Path

from pathstats.index_reader import IndexReader
from schemas.errors import ReportNotFound
from schemas.manifest import Manifest


def company_page(release: IndexReader, company_id: str) -> bytes:
    """The page of a company: the release's only one, or the company's among several.

    Raises: ReportNotFound.
    """
    from flows.report.file_names import reports

    files = reports(release.release, Manifest.read(release.release.manifest).companies)
    try:
        return files[company_id].read_bytes()
    except (KeyError, OSError):
        raise ReportNotFound from None


def session_page(folder: Path, company_id: str, session_id: str, *, with_names: bool) -> bytes:
    """The page of a session of the release in that folder, made when it is asked for.

    Raises: PathSessionNotFound.
    """
    from flows.report.session_page import session_page

    return session_page(folder, company_id, session_id, with_names=with_names).encode("utf-8")
