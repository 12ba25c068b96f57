"""A real browser, which is let out to no address and must have nothing to complain of."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from flows.report.export import ExportOptions, write_folder
from schemas.home import Home, Release
from tests.helpers.one_run import latest, run

CHROMIUM = os.environ.get("PATHSTATS_CHROMIUM", "/usr/bin/chromium")
Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Errors that pages reported, and requests they made; a test that expects some removes them."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def opened(browser: Browser, complaints: list[str]) -> Iterator[Opener]:
    """Opens a file or a loopback address."""
    contexts = []

    def let(route: Route) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:", "http://127.0.0.1:")):
            route.continue_()
        else:
            complaints.append(f"asked for {url}")
            route.abort()

    def open_page(place: Path | str, *, width: int = 1400, scheme: str = "light", now: int = 0) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        context.route("**/*", let)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        if now:
            page.clock.set_fixed_time(now)
        page.goto(place.as_uri() if isinstance(place, Path) else place)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Enough sessions and learners for lists that go on."""
    home = tmp_path_factory.mktemp("demo")
    run("demo:learners=400", home)
    return latest(home)


@pytest.fixture(scope="session")
def folder(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training's report, with the page of S1 in the same folder."""
    place = tmp_path_factory.mktemp("folder")
    home = Home(release.folder.parent.parent.parent)
    write_folder(home, release, place, ExportOptions(None, ("S1",), with_names=False), lambda done, of: None)
    return place
