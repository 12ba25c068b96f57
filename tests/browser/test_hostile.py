"""Names and ids that try to be more than text."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from flows.report.export import ExportOptions, write_folder
from schemas.home import Home, Release
from tests.browser.conftest import Opener
from tests.helpers.one_run import as_ndjson, latest, run
from tests.helpers.training_company import training

MARKUP = '</script><script>window.caught = 1</script><img src=x onerror="window.caught = 2">'
QUOTES = '\'" onmouseover="window.caught = 3" x=\'`${window.caught = 4}` {{ 1 + 1 }} &lt;b&gt;'
WRITTEN_BACKWARDS = "\u202eevil\u202c שלום عربي 🎓 \u2028\u2029"
LONG = "W" * 300
OUTSIDE = "//example.org/x.js"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The training, its company, sessions, learners and steps under such names."""
    tables = training()
    ids = {
        "S1": MARKUP,
        "S2": QUOTES,
        "S0": LONG,
        "u1": MARKUP,
        "u2": WRITTEN_BACKWARDS,
        "u4": QUOTES,
        "A": MARKUP,
    }
    for rows in tables.values():
        for row in rows:
            for column in ("session_id", "user_id", "step_id"):
                row |= {column: ids.get(row[column], row[column])} if column in row else {}
            row["company_id"] = MARKUP + OUTSIDE
    for row in tables["path_sessions"]:
        row["name"] = {MARKUP: MARKUP, QUOTES: WRITTEN_BACKWARDS, LONG: LONG}.get(row["session_id"], OUTSIDE)
    for row in tables["users"]:
        row |= {"first_name": MARKUP, "last_name": WRITTEN_BACKWARDS, "email": QUOTES}
    place = tmp_path_factory.mktemp("hostile")
    run(as_ndjson(place / "in", tables), place / "home")
    return latest(place / "home")


@pytest.mark.parametrize("width", [1400, 390])
def test_hostile_values_are_text_everywhere(
    opened: Opener, hostile: Release, tmp_path: Path, width: int
) -> None:
    home = Home(hostile.folder.parent.parent.parent)
    sessions = (MARKUP, QUOTES, LONG)
    write_folder(
        home, hostile, tmp_path, ExportOptions(None, sessions, with_names=True), lambda done, of: None
    )
    files = [tmp_path / "report.html", *sorted((tmp_path / "report").iterdir())]
    assert len(files) == 4
    for file in files:
        page = opened(file, width=width)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for button in page.locator(".toggle, [role=tab]").all():
            button.click()
        page.mouse.move(300, 400)
        assert page.evaluate("window.caught") is None
        assert page.locator("img, iframe, object, script[src]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page = opened(files[0], width=width)
    assert page.get_by_role("heading", level=1).inner_text() == MARKUP + OUTSIDE
    assert page.locator("#sessions .toggle").first.inner_text() == MARKUP
    page.get_by_role("searchbox").first.fill("<script>")
    expect(page.locator("#sessions").get_by_role("status")).to_have_text("1 of 5 sessions")


def test_unescaped_script_is_blocked_by_the_policy(
    opened: Opener, complaints: list[str], hostile: Release, tmp_path: Path
) -> None:
    """The second lock: a page that is tampered with neither runs nor loads what was put in."""
    html = hostile.report.read_text("utf-8")
    for place, content in enumerate(
        ("<script>window.caught = 5</script>", '<p onclick="window.caught = 6">x</p>')
    ):
        file = tmp_path / f"{place}.html"
        file.write_text(html.replace("<main", f"{content}<main", 1), "utf-8")
        page = opened(file)
        page.locator("p", has_text="x").first.click()
        assert page.evaluate("window.caught") is None
    assert len(complaints) == 2
    assert all("violates the following Content Security Policy directive" in output for output in complaints)
    complaints.clear()
