"""A session's page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from flows.reporting.session_page import session_page
from schemas.home import Release
from tests.browser.conftest import Opener


@pytest.fixture
def page_file(release: Release, tmp_path: Path) -> Path:
    file = tmp_path / "S1.html"
    file.write_text(session_page(release.folder, "acme", "S1", with_names=True), "utf-8")
    return file


def test_learners_are_sorted_by_a_step_searched_and_filtered(opened: Opener, page_file: Path) -> None:
    page = opened(page_file)
    learners = page.locator("#learners")
    rows = learners.locator("tbody tr")
    expect(rows).to_have_count(8)
    # Sorted by a step, those who failed it come first when it is asked for again.
    learners.get_by_role("columnheader", name="1", exact=True).get_by_role("button").click()
    expect(rows.first).to_contain_text("First u3")
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("First u6")
    learners.get_by_label("Status").select_option("archived")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("archived")
    learners.get_by_label("Status").select_option("")
    learners.get_by_label("Search by learner").fill("U4@example")
    expect(learners.get_by_role("status")).to_have_text("1 of 8 learners")


def test_each_step_says_in_words_what_its_mark_means(opened: Opener, page_file: Path) -> None:
    page = opened(page_file)
    row = page.locator("#learners tbody tr", has_text="u4@example.org")
    said = row.locator(".step .unseen").all_text_contents()
    assert said == [
        "Step 1: failed, to retake, 60 percent",
        "Step 2: successful",
        "Step 3: successful, 70 percent",
        "Step 4: open",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_it_fits_any_screen(opened: Opener, page_file: Path, width: int, scheme: str) -> None:
    page = opened(page_file, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
