"""Ids that every JavaScript object answers for: each learner is listed, found and sorted like any other."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from flows.report.export import ExportOptions, write_folder
from schemas.home import Home
from tests.browser.conftest import Opener
from tests.helpers.one_run import as_ndjson, latest, run
from tests.helpers.training_company import training

INHERITED = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf"]
LEARNERS = dict(zip(["u1", "u2", "u3", "u4", "u7"], INHERITED, strict=True))
# The id is the last line of the cell, below name and e-mail.
ID_OF_EACH = "cells => cells.map(cell => cell.innerText.split('\\n').at(-1))"
RENAMED = {"S1": "constructor", "S2": "__proto__", "A": "toString", "B": "__proto__"}


@pytest.fixture(scope="module", params=[False, True], ids=["ids", "names"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training's report and the page of S1, its learners, sessions and steps under such ids."""
    tables = training()
    for rows in tables.values():
        for row in rows:
            for column in ("user_id", "session_id", "step_id"):
                if column in row:
                    row[column] = (LEARNERS | RENAMED).get(row[column], row[column])
            row["company_id"] = "constructor"
    for row in tables["users"]:
        # One learner has neither name nor e-mail.
        if row["user_id"] == "toString":
            row |= {"first_name": None, "last_name": None, "email": None}
    place = tmp_path_factory.mktemp("inherited")
    run(as_ndjson(place / "in", tables), place / "home")
    release = latest(place / "home")
    wanted = ExportOptions(None, ("constructor",), with_names=request.param)
    write_folder(Home(place / "home"), release, place, wanted, lambda done, of: None)
    return place


def rows_found(page: Page, place: str, sought: str) -> int:
    page.locator(place).get_by_role("searchbox").fill(sought)
    return page.locator(f"{place} tbody tr").count()


def test_session_page_lists_searches_and_sorts_them(opened: Opener, folder: Path) -> None:
    page = opened(folder / "report" / "constructor.html")
    expect(page.locator("#learners tbody tr")).to_have_count(8)
    assert {user: rows_found(page, "#learners", user) for user in INHERITED} == dict.fromkeys(INHERITED, 1)
    page.locator("#learners").get_by_role("searchbox").fill("")
    header = page.locator("#learners").get_by_role("columnheader", name="Learner", exact=True)
    header.get_by_role("button").click()
    expect(page.locator("#learners tbody tr")).to_have_count(8)
    expect(page.locator("#learners tbody tr").first).to_contain_text("__proto__")


def test_report_lists_them_in_every_list(opened: Opener, folder: Path) -> None:
    page = opened(folder / "report.html")
    panels = {
        "late": ["__proto__", "__proto__", "constructor"],
        "ending": ["__proto__", "constructor", "toString", "valueOf"],
        "retake": ["toString"],
        "correction": ["hasOwnProperty"],
    }
    for name, users in panels.items():
        page.locator(f"#tab-{name}").click()
        panel = page.locator(f"#panel-{name}")
        expect(panel.locator("tbody tr")).to_have_count(len(users))
        panel.get_by_role("columnheader", name="Learner", exact=True).get_by_role("button").click()
        expect(panel.locator("tbody tr")).to_have_count(len(users))
        assert sorted(page.locator(f"#panel-{name} tbody th").evaluate_all(ID_OF_EACH)) == users
        assert rows_found(page, f"#panel-{name}", users[-1]) == 1


def test_details_of_a_session_name_them(opened: Opener, folder: Path) -> None:
    page = opened(folder / "report.html")
    page.get_by_role("button", name="name of S1").click()
    names = page.locator("tr.details ol").first.locator("li span:first-child").all_inner_texts()
    assert names in (["__proto__", "constructor"], ["First u1", "First u2"])
