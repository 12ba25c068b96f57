"""Write the report and session pages to a folder, to open or send without a server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.release import catalog
from flows.release.status_counts import status_counts
from flows.report.file_names import file_names
from flows.report.release_views import opened, require_present_schema
from flows.report.render import is_page
from flows.report.report_page import Run, company_report
from flows.report.session_page import page_of
from flows.report.session_rows import of_company, rows_of
from schemas.errors import UnknownName, UsageError
from schemas.home import Home, Release


@dataclass(frozen=True)
class Wanted:
    """The company and sessions to write.

    company:  null where the release has one only.
    sessions: ids; null for all there are.
    """

    company: str | None
    sessions: tuple[str, ...] | None
    with_names: bool


def write_folder(
    home: Home, release: Release, folder: Path, wanted: Wanted, report: Callable[[int, int], None]
) -> int:
    """Write `report.html`, and of each session `report/<session>.html`; how many sessions have a page.

    report: called with the number of pages written, and of all pages.
    Raises: UnknownName if the company, or one of the sessions, is not in the release.
    """
    manifest = catalog.manifest_of(release)
    require_present_schema(manifest)
    as_of = datetime.fromisoformat(manifest.as_of)
    companies = status_counts(release)
    company = _company(list(companies), wanted.company)
    sessions = of_company(release, company, "path_sessions").collect()
    by_id = {session["session_id"]: session for session in sessions.to_dicts()}
    asked = list(by_id) if wanted.sessions is None else list(dict.fromkeys(wanted.sessions))
    for session in asked:
        if session not in by_id:
            raise UnknownName(
                f'There is no session {session!r}; `pathstats query "FROM session_summary"` lists them.'
            )
    names = file_names(by_id)
    pages = {session: names[session] for session in asked}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give a folder with --to.")
    folder.mkdir(parents=True, exist_ok=True)
    if pages:
        (folder / "report").mkdir(exist_ok=True)
    read = rows_of(release, company, asked, with_names=wanted.with_names)
    for written, (session, rows) in enumerate(zip(asked, read, strict=True)):
        report(written, len(pages))
        html = page_of(by_id[session], rows, as_of, with_names=wanted.with_names)
        _write(folder / "report" / pages[session], html)
    run = Run.of(
        home, as_of, companies, manifest.tables_in, manifest.since, manifest.matched, manifest.warnings
    )
    with opened(release) as connection:
        html = company_report(connection, company, run, with_names=wanted.with_names, pages=pages)
    # After them: it leads to pages that are there.
    _write(folder / "report.html", html)
    _remove_pages_but(set(pages.values()), folder / "report")
    return len(pages)


def _company(companies: list[str], wanted: str | None) -> str:
    if wanted is None and len(companies) == 1:
        return companies[0]
    if wanted is None:
        raise UsageError(f"The release contains {len(companies)} companies; name one with --company.")
    if wanted not in companies:
        raise UnknownName(f"The release contains no company {wanted!r}.")
    return wanted


def _remove_pages_but(names: set[str], folder: Path) -> None:
    """Remove the files of an earlier report, perhaps of another company or with names; no other files."""
    for file in folder.glob("*.html"):
        if file.name not in names and is_page(file):
            file.unlink()


def _write(file: Path, html: str) -> None:
    """In one step: a page that is open elsewhere is never half there."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(html, "utf-8")
    temporary.replace(file)
