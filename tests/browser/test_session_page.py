"""A session's page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from flows.report import session_page as pages
from flows.report.session_page import session_page
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
    # Sorted by a step, failed learners come first on the second click.
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


def test_mark_of_a_step_has_a_text_for_its_meaning(opened: Opener, page_file: Path) -> None:
    page = opened(page_file)
    row = page.locator("#learners tbody tr", has_text="u4@example.org")
    output = row.locator(".step .unseen").all_text_contents()
    assert output == [
        "Step 1: failed, to retake, 60 percent",
        "Step 2: successful",
        "Step 3: successful, 70 percent",
        "Step 4: open",
    ]


def test_a_learner_s_name_opens_the_attempts_that_fail_a_condition(opened: Opener, page_file: Path) -> None:
    page = opened(page_file)
    assert page.locator("#learners .toggle").count() == 2
    page.get_by_role("button", name="First u6").click()
    expect(page.locator(".attempts li")).to_have_count(2)
    expect(page.locator(".attempts li").last).to_contain_text("70 % < 80 %, attempt 2 of 2")
    page.keyboard.press("Enter")
    expect(page.locator(".attempts")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_page_fits_any_screen(opened: Opener, page_file: Path, width: int, scheme: str) -> None:
    page = opened(page_file, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_marks_look_alike_in_the_legend_and_in_the_table(opened: Opener, page_file: Path) -> None:
    page = opened(page_file)
    boxes = "marks => marks.map(mark => [mark.className, getComputedStyle(mark).borderTopWidth])"
    legend = dict(page.locator(".legend .step > span").evaluate_all(boxes))
    cells = dict(
        page.locator("#learners tbody .step span:not(.unseen):not([aria-hidden])").evaluate_all(boxes)
    )
    assert set(cells) == {"s", "f", "r", "w", "o", "n"}
    assert {legend[mark] for mark in cells} == {"1px"}
    assert cells == {mark: legend[mark] for mark in cells}


def test_search_counts_the_learners_not_on_the_page(
    opened: Opener, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_LEARNERS", 3)
    file = tmp_path / "short.html"
    file.write_text(session_page(release.folder, "acme", "S1"), "utf-8")
    learners = opened(file).locator("#learners")
    expect(learners.get_by_role("status")).to_have_text("3 learners; 5 more are not on this page")
    learners.get_by_label("Search by learner").fill("u7")
    expect(learners.locator(".none")).to_have_text(
        "None of the 3 learners here matches; 5 more are not on this page."
    )


def test_lateness_is_that_of_the_report(opened: Opener, page_file: Path) -> None:
    """R18: u1 has not started, u2 has; u3's assessor and u6, who has failed, are overdue nowhere."""
    page = opened(page_file)
    late = page.locator("#learners tbody tr", has_text="late for")
    assert late.locator("th").evaluate_all(
        "cells => cells.map(cell => cell.innerText.split('\\n').at(-1))"
    ) == [
        "u1",
        "u2",
    ]
    expect(page.locator("main > section").first).to_contain_text(
        "2 are late: a required step is overdue, and the learner can still act on it "
        "(1 started and late, 1 not yet started)."
    )
