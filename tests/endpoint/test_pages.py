"""The report's pages, each shown only to clients of its company."""

import base64
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pathstats.endpoint import keys
from pathstats.endpoint.app import Serving, create_app
from pathstats.endpoint.browser_link import BrowserLink
from schemas.home import Home
from tests.endpoint.conftest import STATS
from tests.helpers.app_in_process import InProcess
from tests.helpers.one_run import as_ndjson, latest, run, small_world
from tests.helpers.server_process import PATHSTATS, Headers, Server, asking

UNAUTHORIZED = (401, '{"error": "unauthorized"}')
HERE = {"Host": "127.0.0.1:8360"}
SESSION = "/report/sessions/S"


@pytest.fixture
def one(own_home: Home) -> Home:
    """Acme's release, with its report."""
    (latest(own_home.root).folder / "report.html").write_text("<h1>Acme</h1>")
    return own_home


@pytest.fixture
def two(home: Path, tmp_path: Path) -> Home:
    """Two companies, each with its report."""
    copy = Home(Path(shutil.copytree(home, tmp_path / "two", symlinks=True)))
    folder = latest(copy.root).folder / "report"
    folder.mkdir(exist_ok=True)
    for company in ("acme", "zen"):
        (folder / f"{company}.html").write_text(f"<h1>{company}</h1>")
    return copy


def browser(home: Home, *, opens: bool = True, with_names: bool = False) -> InProcess:
    """A browser on this machine. opens: it has followed the server's link."""
    link = BrowserLink()
    headers = {**HERE, "Cookie": link.set_cookie()} if opens else HERE
    return InProcess(create_app(Serving(home, link, with_names)), headers=headers)


def key_to(home: Home, company_id: str) -> Headers:
    return asking(company_id, keys.create(home, company_id, "", datetime.now(UTC))[1])


def login(headers: Headers) -> Headers:
    messages = f"{headers['X-company-id']}:{headers['X-apiKey']}"
    return {"Authorization": "Basic " + base64.b64encode(messages.encode()).decode()}


def in_query(headers: Headers) -> str:
    return f"?company={headers['X-company-id']}&apiKey={headers['X-apiKey']}"


def test_a_browser_that_follows_the_link_sees_the_report_without_a_key(one: Home) -> None:
    link = BrowserLink()
    client = InProcess(create_app(Serving(one, link)), headers=HERE)
    assert (client.get("/").status_code, client.get("/").text) == UNAUTHORIZED
    followed = client.get(link.path)
    assert (followed.status_code, followed.headers["location"]) == (303, "/")
    assert followed.headers["cache-control"] == "no-store"
    cookie = followed.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert client.get("/", headers={"Cookie": cookie.partition(";")[0]}).text == "<h1>Acme</h1>"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Connection": "close"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"},
        {"Cookie": "pathstats=1"},
    ],
    ids=["plain", "HTTP/1.0", "of a browser", "another cookie"],
)
def test_a_request_through_a_proxy_that_passes_our_own_name_needs_a_key(one: Home, headers: Headers) -> None:
    """nginx does so by default, and adds no header about its client: it opened all reports."""
    assert browser(one, opens=False).get("/", headers=headers).status_code == 401
    assert browser(one, opens=False).get(SESSION, headers=headers).status_code == 401


def test_the_link_of_another_server_opens_nothing(one: Home) -> None:
    client = browser(one, opens=False)
    assert client.get(BrowserLink().path).status_code == 401
    assert client.get("/", headers={"Cookie": BrowserLink().set_cookie()}).status_code == 401
    assert client.get("/?browser=%ED%A0%80").status_code == 401


def test_two_hosts_need_a_key(one: Home) -> None:
    for names in (("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")):
        assert browser(one).get("/", headers=[("Host", name) for name in names]).status_code == 401


def test_two_logins_open_nothing(one: Home) -> None:
    acme = login(key_to(one, "acme"))["Authorization"]
    client = browser(one)
    for first, second in ((acme, "Basic YTpi"), ("Basic YTpi", acme), (acme, acme), (acme, "Bearer x")):
        twice = [("Authorization", first), ("Authorization", second)]
        assert client.get("/", headers=twice).status_code == 401


def test_in_a_browser_on_this_machine_it_is_shown_without_a_key(one: Home) -> None:
    answer = browser(one).get("/")
    assert (answer.status_code, answer.text) == (200, "<h1>Acme</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["etag"].startswith('"20260310T000000Z-1.')
    seen = {"If-None-Match": answer.headers["etag"]}
    assert browser(one).get("/", headers=seen).status_code == 304


@pytest.mark.parametrize("host", ["localhost", "localhost:8360", "[::1]:8360", "127.0.0.2", "LOCALHOST:1"])
def test_names_of_this_machine(one: Home, host: str) -> None:
    assert browser(one).get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example:8360"},
        {"Host": "192.168.0.7"},
        {"Host": ""},
        {"Host": "[::1"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Real-IP": "203.0.113.7"},
        {"X-Forwarded-Host": "reports.example"},
        {"Via": "1.1 proxy"},
    ],
    ids=lambda headers: "; ".join(f"{name}: {value}" for name, value in headers.items()),
)
def test_pages_by_another_host_name_or_proxy_need_a_key(one: Home, headers: Headers) -> None:
    """A web page can have its own name point here; a proxy's requests come from here."""
    answer = browser(one).get("/", headers=headers)
    assert (answer.status_code, answer.text) == UNAUTHORIZED
    assert browser(one).get("/", headers={**headers, **key_to(one, "acme")}).status_code == 200


def test_elsewhere_it_needs_a_key_which_a_browser_asks_for(one: Home) -> None:
    client, acme = browser(one, opens=False), key_to(one, "acme")
    rejected = client.get("/")
    assert (rejected.status_code, rejected.text) == UNAUTHORIZED
    assert rejected.headers["www-authenticate"].startswith('Basic realm="pathstats"')
    assert client.get("/", headers=acme).text == "<h1>Acme</h1>"
    assert client.get("/", headers=login(acme)).text == "<h1>Acme</h1>"
    assert client.get("/" + in_query(acme)).text == "<h1>Acme</h1>"
    for wrong in ("Basic", "Basic !", "Basic YQ==", "Basic 4pyT", "Bearer x", "Basic //8="):
        assert client.get("/", headers={"Authorization": wrong}).status_code == 401


def test_a_key_that_opens_nothing_is_rejected_also_here(one: Home) -> None:
    client = browser(one)
    assert client.get("/", headers=asking("acme", "wrong")).status_code == 401
    assert client.get("/?company=acme&apiKey=wrong").status_code == 401
    assert client.get("/", headers=login(asking("acme", "wrong"))).status_code == 401


def test_the_only_report_is_not_shown_to_another_company(one: Home) -> None:
    for opens in (True, False):
        answer = browser(one, opens=opens).get("/", headers=key_to(one, "zen"))
        assert (answer.status_code, answer.text) == (404, '{"error": "report_not_found"}')


@pytest.mark.parametrize("opens", [True, False])
def test_key_shows_the_page_of_its_company(two: Home, acme: Headers, zen: Headers, opens: bool) -> None:
    client = browser(two, opens=opens)
    for headers, text in ((acme, "<h1>acme</h1>"), (zen, "<h1>zen</h1>")):
        for asked in (headers, login(headers)):
            assert client.get("/", headers=asked).text == text
        # What it is asked for by name doesn't count: the key does.
        assert client.get("/?company=zen", headers=login(headers)).text == text
        assert client.get("/?company=acme", headers=headers).status_code == 401


def test_on_this_machine_one_of_several_is_chosen(two: Home) -> None:
    client = browser(two)
    choice = client.get("/")
    assert choice.status_code == 200
    assert [f'href="/?company={company}"' in choice.text for company in ("acme", "zen")] == [True, True]
    assert client.get("/?company=zen").text == "<h1>zen</h1>"
    assert client.get("/?company=nobody").status_code == 404
    assert client.get("/?company=../acme").status_code == 404
    assert client.get("/?company=" + "x" * 999).status_code == 404


def test_a_release_of_before_reports(own_home: Home) -> None:
    (latest(own_home.root).folder / "report.html").unlink(missing_ok=True)
    answer = browser(own_home).get("/")
    assert (answer.status_code, answer.text) == (404, '{"error": "report_not_found"}')


def test_a_page_over_a_real_server(own_home: Home) -> None:
    (latest(own_home.root).folder / "report.html").write_text("<h1>Acme</h1>")
    with Server(own_home.root) as server:
        assert server.client.get("/").status_code == 401
        acme = key_to(own_home, "acme")
        assert server.client.get("/", headers=login(acme)).text == "<h1>Acme</h1>"
        head = server.client.head("/", headers=acme)
        assert (head.status_code, head.text, head.headers["content-length"]) == (200, "", "13")
        # Its words go into a file here, which others may read.
        assert "browser=" not in server.words


@pytest.mark.parametrize("options", [(), ("--report-needs-key",), ("--host", "0.0.0.0")])
def test_a_terminal_shows_the_link_where_only_this_machine_can_connect(
    own_home: Home, options: tuple[str, ...]
) -> None:
    (latest(own_home.root).folder / "report.html").write_text("<h1>Acme</h1>")
    ours, its = os.openpty()
    command = [PATHSTATS, "serve", "--port", "0", "--home", own_home.root, *options]
    process = subprocess.Popen(command, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    try:
        while b"Ctrl-C ends this." not in shown or (not options and b"browser=" not in shown):
            shown += os.read(ours, 4096)
        found = re.search(r"http://127\.0\.0\.1:\d+/\?browser=\S+", shown.decode())
        assert (found is None) == bool(options)
        if found:
            with httpx.Client(trust_env=False, follow_redirects=True, timeout=20) as person:
                assert person.get(found[0]).text == "<h1>Acme</h1>"
                assert person.get(httpx.URL(found[0]).join("/")).text == "<h1>Acme</h1>"
    finally:
        process.terminate()
        process.wait(timeout=20)
        os.close(ours)


def test_pages_without_a_release_are_unavailable(tmp_path: Path) -> None:
    for path in ("/", SESSION):
        answer = browser(Home(tmp_path)).get(path)
        assert (answer.status_code, answer.text) == (503, '{"error": "no_release"}')


def test_the_page_of_a_session(home: Path, acme: Headers, zen: Headers) -> None:
    client = browser(Home(home), opens=False)
    ours, theirs = client.get(SESSION, headers=acme), client.get(SESSION, headers=login(zen))
    assert (ours.status_code, theirs.status_code) == (200, 200)
    # u2 is enrolled at acme only.
    assert ['"u2"' in page.text for page in (ours, theirs)] == [True, False]
    assert client.get("/report/sessions/S%20%2F%C3%BC%2B%25", headers=acme).status_code == 200
    assert (client.get(SESSION).status_code, client.get(SESSION).text) == UNAUTHORIZED
    for foreign in ("Z", "nowhere"):
        answer = client.get(f"/report/sessions/{foreign}", headers=acme)
        assert (answer.status_code, answer.text) == (404, '{"error": "path_session_not_found"}')


def test_pages_show_names_only_with_the_option(home: Path, acme: Headers) -> None:
    messages = [
        browser(Home(home), with_names=shown).get(SESSION, headers=acme).text for shown in (False, True)
    ]
    assert ["zoë+strauß@example.org" in page for page in messages] == [False, True]
    assert all("zen.secret" not in page for page in messages)


def test_the_page_of_a_session_on_this_machine(one: Home, home: Path) -> None:
    assert browser(one).get(SESSION).status_code == 200
    client = browser(Home(home))
    assert '"u2"' not in client.get(f"{SESSION}?company=zen").text
    which = client.get(SESSION)
    assert (which.status_code, which.text) == (400, '{"error": "company_missing"}')


def test_the_report_that_a_run_has_made(home: Path, acme: Headers, zen: Headers) -> None:
    """With two companies each key shows its own page, and no key shows the list of both."""
    client = browser(Home(home), opens=False)
    pages = [client.get("/", headers=headers) for headers in (acme, zen)]
    assert [page.status_code for page in pages] == [200, 200]
    assert ["S /ü+%" in page.text for page in pages] == [True, False]
    assert [">zen<" in pages[0].text, ">acme<" in pages[1].text] == [False, False]


def test_a_page_that_is_made_when_asked_for_has_no_tag(home: Path, acme: Headers) -> None:
    """The same release gives another one where names are shown, or after an update."""
    page = browser(Home(home)).get(SESSION, headers=acme)
    assert page.headers["consistent-through"] == "2026-03-10T00:00:00.000Z"
    assert not {"etag", "last-modified"} & set(page.headers)


def test_statistics_need_a_key_also_on_this_machine(one: Home) -> None:
    for path in (STATS, f"{STATS}/u1", f"{STATS}/users"):
        assert browser(one).get(f"{path}?company=acme").status_code == 401


def test_release_without_companies_has_no_page(tmp_path: Path) -> None:
    tables = small_world()
    for row in (*tables["users"], *tables["path_sessions"]):
        row["company_id"] = ""
    run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    client = browser(Home(tmp_path / "home"))
    for path, code in (("/", "report_not_found"), (SESSION, "path_session_not_found")):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": code})
