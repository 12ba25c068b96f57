"""The report in a real browser: it sorts, searches, opens and is worked by keyboard."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from flows.report.export import ExportOptions, write_folder
from flows.report.session_page import session_page
from schemas.home import Home, Release
from tests.browser.conftest import Opener
from tests.helpers.one_run import AS_OF

HOUR = 3600


def ids(page: Page) -> list[str]:
    """The sessions in their order."""
    return [name.split("\n")[-1] for name in page.locator("#sessions tbody th").all_inner_texts()]


def header(page: Page, name: str, place: str = "#sessions") -> Locator:
    return page.locator(place).get_by_role("columnheader", name=name, exact=True)


def test_report_page_is_complete_and_reports_no_errors(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    assert page.title() == "Training report · acme · 10 March 2026, 00:00 UTC"
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert headings == [
        "Where learners stand",
        "Sessions",
        "Who needs attention",
        "Progress and scores",
        "Run by run",
        "Quality of the data",
        "What the figures mean",
    ]
    assert page.locator("figure svg.marks").count() == 4
    assert ids(page) == ["S1", "S2", "S0", "S8", "S9"]


def test_headers_sort_by_click_and_by_keyboard(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    learners = header(page, "Learners")
    learners.get_by_role("button").click()
    expect(learners).to_have_attribute("aria-sort", "descending")
    assert ids(page)[0] == "S1"
    page.keyboard.press("Enter")
    expect(learners).to_have_attribute("aria-sort", "ascending")
    assert ids(page)[0] == "S8"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(header(page, "Progress")).to_have_attribute("aria-sort", "descending")
    assert page.locator("#sessions [aria-sort]").count() == 1
    # What has no value comes last in either direction.
    assert ids(page) == ["S1", "S0", "S2", "S9", "S8"]
    page.keyboard.press("Space")
    assert ids(page) == ["S9", "S2", "S0", "S1", "S8"]


def test_search_and_filter_show_their_counts(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    sessions = page.locator("#sessions")
    count = sessions.get_by_role("status")
    expect(count).to_have_text("5 sessions")
    search = sessions.get_by_label("Search by name or id")
    search.fill("of NAME s2")
    expect(count).to_have_text("1 of 5 sessions")
    assert ids(page) == ["S2"]
    search.fill("nothing like it")
    expect(sessions.get_by_text("None of the 5 sessions here matches.")).to_be_visible()
    search.fill("")
    sessions.get_by_label("State").select_option("not opened")
    expect(count).to_have_text("2 of 5 sessions")


def test_search_counts_the_late_learners_not_on_the_page(
    opened: Opener, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.report.worklists.LISTED", 1)
    home = Home(release.folder.parent.parent.parent)
    write_folder(home, release, tmp_path, ExportOptions(None, (), with_names=False), lambda done, of: None)
    panel = opened(tmp_path / "report.html").locator("#panel-late")
    expect(panel).to_contain_text(
        "2 more are not on this page: it lists the 1 late for longest, and the search covers only these."
    )
    panel.get_by_role("searchbox").fill("u2")
    expect(panel.locator(".none")).to_have_text(
        "None of the 1 enrollment here matches; 2 more are not on this page."
    )


def test_a_session_opens_to_its_details(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    toggle = page.get_by_role("button", name="name of S1")
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    details = page.locator("tr.details")
    expect(details).to_contain_text("1 Awaiting correction")
    expect(details).to_contain_text("2 late1 started and late, 1 not yet started")
    expect(details).to_contain_text("4 ending within 14 days")
    expect(details).to_contain_text("1 Mar 2026 to 20 Mar 2026 · open · mean score 76.6 % · 1 archived")
    # The release has no page of the session, so the link shows the command that makes one.
    expect(details).to_contain_text("pathstats report S1")
    assert details.get_by_role("link").count() == 0
    page.keyboard.press("Enter")
    expect(details).to_have_count(0)


def test_learners_who_need_attention_are_reachable_by_keyboard(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    tabs = page.get_by_role("tab")
    assert tabs.all_inner_texts() == [
        "3\nLate",
        "4\nEnding within 14 days",
        "1\nTo retake",
        "1\nAwaiting correction",
    ]
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_have_attribute("id", "panel-ending")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(tabs.last).to_be_focused()
    expect(panel.locator("tbody tr")).to_contain_text("6 days")
    page.keyboard.press("Home")
    first = " ".join(panel.locator("tbody tr").first.inner_text().split())
    assert first == "u1 name of S2 11 days since 27 Feb 2026 1 0 % Not yet started"
    panel.get_by_role("searchbox").fill("u2")
    expect(panel.get_by_role("status")).to_have_text("1 of 3 enrollments")


def test_long_lists_go_on_when_asked(opened: Opener, demo: Release) -> None:
    page = opened(demo.report)
    panel = page.get_by_role("tabpanel")
    rows = panel.locator("tbody tr")
    expect(rows).to_have_count(10)
    panel.get_by_role("button", name="Show 50 more").click()
    expect(rows).to_have_count(60)
    # Whoever goes on by keyboard is where the new rows begin.
    expect(rows.nth(10).locator("th")).to_be_focused()
    panel.get_by_role("button", name="Show all").click()
    assert rows.count() > 60
    expect(panel.get_by_role("button", name="Show")).to_have_count(0)


def test_whoever_tabs_through_sees_where_they_are(opened: Opener, release: Release) -> None:
    page = opened(release.report)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the report")).to_be_focused()
    seen = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); "
            "return [document.activeElement.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert shown[1] == "solid"
        assert shown[2] >= 2
        seen.add(shown[0])
    assert {"A", "INPUT", "SELECT", "BUTTON"} <= seen


@pytest.mark.parametrize(
    ("later", "output", "is_old"),
    [
        (5 * HOUR, "5 hours old", False),
        (60, "less than an hour old", False),
        (-3 * HOUR, "3 hours ahead of this computer's clock", False),
        (26 * HOUR + 60, "26 hours old: no newer run has been published", True),
        (72 * HOUR, "3 days old: no newer run has been published", True),
    ],
)
def test_age_of_the_report_follows_the_viewer_clock(
    opened: Opener, release: Release, later: int, output: str, is_old: bool
) -> None:
    page = opened(release.report, now=int(AS_OF.timestamp()) + later)
    expect(page.locator("#fresh")).to_have_text(output)
    assert ("old" in (page.locator("#fresh").get_attribute("class") or "").split()) is is_old


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390, 320])
def test_report_page_fits_any_screen_in_light_and_dark_mode(
    opened: Opener, demo: Release, width: int, scheme: str
) -> None:
    page = opened(demo.report, width=width, scheme=scheme)
    page.locator("#sessions .toggle").first.click()
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) > 384) is (scheme == "light")
    # A chart's letters are as dark as the page wants them.
    label = page.locator("figure svg text").first
    assert label.evaluate("it => getComputedStyle(it).fill") == page.locator("figcaption").first.evaluate(
        "it => getComputedStyle(it).color"
    )
    assert float(label.evaluate("it => it.getBoundingClientRect().height")) >= 9


def test_on_paper_there_is_nothing_to_click(opened: Opener, release: Release) -> None:
    page = opened(release.report, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for gone in (page.get_by_role("searchbox").first, page.get_by_role("navigation")):
        expect(gone).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 33, 39)"
    expect(page.locator("#sessions tbody tr")).to_have_count(5)


def test_report_page_links_to_session_pages_and_back(opened: Opener, folder: Path) -> None:
    page = opened(folder / "report.html")
    page.get_by_role("button", name="name of S1").click()
    page.get_by_role("link", name="Every learner and step").click()
    assert page.title().startswith("name of S1")
    page.get_by_role("link", name="Training report").click()
    assert page.title().startswith("Training report")
    page.get_by_role("button", name="name of S2").click()
    expect(page.locator("tr.details")).to_contain_text("pathstats report S2")


@contextmanager
def served(release: Release) -> Iterator[str]:
    """The report at `/` and sessions' pages below, as `pathstats serve` has them."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            html = release.report.read_text("utf-8")
            if path != "/":
                html = session_page(release.folder, "acme", path.rpartition("/")[2])
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_served_it_leads_to_pages_made_when_asked_for(opened: Opener, release: Release) -> None:
    with served(release) as address:
        page = opened(f"{address}/?company=acme")
        page.get_by_role("button", name="name of S1").click()
        page.get_by_role("link", name="Every learner and step").click()
        assert page.url == f"{address}/report/sessions/S1?company=acme"
        assert page.title().startswith("name of S1")
        page.get_by_role("link", name="Training report").click()
        assert page.url == f"{address}/?company=acme"
        page.goto("about:blank")
