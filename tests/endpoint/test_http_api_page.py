"""docs/http-api.md is true: it lists the routes of the endpoint, and its response is the look-up's."""

import re
from pathlib import Path

from pathstats.endpoint.app import Serving, create_app
from schemas.home import Home

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "http-api.md").read_text("utf-8")


def test_its_routes(tmp_path: Path) -> None:
    messages = {
        path.replace("…", "/api/v1/paths/sessions/{sessionId}")
        for row in re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
        for path in re.findall(r"`(.*?)`", row)
    }
    assert messages == set(create_app(Serving(Home(tmp_path))).openapi()["paths"])


def test_its_answer() -> None:
    """The same learner is looked up from the shell further up."""
    (learner,) = set(re.findall(r"\w+\.\w+@[\w.-]+", PAGE))
    shell = re.search(rf"lookup \w+ {re.escape(learner)} .*\n(\{{.*\}})\n", README)
    over_http = re.search(r"^\$ curl .*\n(\{.*\})\n", PAGE, re.MULTILINE)
    assert shell
    assert over_http
    assert over_http[1] == shell[1]
