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
class ExportOptions:
    """The pages to write.

    company:  None if the release contains only one.
    sessions: session ids; None for all sessions of the company.
    """

    company: str | None
    sessions: tuple[str, ...] | None
    with_names: bool


def write_folder(
    home: Home,
    release: Release,
    folder: Path,
    options: ExportOptions,
    on_progress: Callable[[int, int], None],
) -> int:
    """Write `report.html`, and `report/<session>.html` for each session; the number of session pages.

    on_progress: called with the number of pages written and the total.
    Raises:      UnknownName if the company, or one of the sessions, is not in the release.
    """
    manifest = catalog.manifest_of(release)
    require_present_schema(manifest)
    as_of = datetime.fromisoformat(manifest.as_of)
    companies = status_counts(release)
    company = _company(list(companies), options.company)
    sessions = of_company(release, company, "path_sessions").collect()
    by_id = {session["session_id"]: session for session in sessions.to_dicts()}
    selected = list(by_id) if options.sessions is None else list(dict.fromkeys(options.sessions))
    for session in selected:
        if session not in by_id:
            raise UnknownName(
                f"Session {session!r} does not exist; `pathstats query "
                '"FROM session_summary"` lists the sessions.'
            )
    names = file_names(by_id)
    pages = {session: names[session] for session in selected}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give a folder with --to.")
    folder.mkdir(parents=True, exist_ok=True)
    if pages:
        (folder / "report").mkdir(exist_ok=True)
    read = rows_of(release, company, selected, with_names=options.with_names)
    for written, (session, rows) in enumerate(zip(selected, read, strict=True)):
        on_progress(written, len(pages))
        html = page_of(by_id[session], rows, as_of, with_names=options.with_names)
        _write(folder / "report" / pages[session], html)
    run = Run.with_history(
        home, as_of, companies, manifest.tables_in, manifest.since, manifest.matched, manifest.warnings
    )
    with opened(release) as connection:
        html = company_report(connection, company, run, with_names=options.with_names, pages=pages)
    # The report is written last, so that its links never point to missing pages.
    _write(folder / "report.html", html)
    _remove_other_pages(folder / "report", keep=set(pages.values()))
    return len(pages)


def _company(companies: list[str], wanted: str | None) -> str:
    if wanted is None and len(companies) == 1:
        return companies[0]
    if wanted is None:
        raise UsageError(f"The release contains {len(companies)} companies; choose one with --company.")
    if wanted not in companies:
        raise UnknownName(f"The release does not contain the company {wanted!r}.")
    return wanted


def _remove_other_pages(folder: Path, keep: set[str]) -> None:
    """Remove pages of an earlier export, perhaps of another company or with names, but no other files."""
    for file in folder.glob("*.html"):
        if file.name not in keep and is_page(file):
            file.unlink()


def _write(file: Path, html: str) -> None:
    """Replace the file atomically, so that a browser never loads half a page."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(html, "utf-8")
    temporary.replace(file)
