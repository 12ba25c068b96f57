"""Render pages as self-contained files: style, script and data are inlined, nothing is loaded."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# Marks a file as a page of this product.
_MARK = '<meta name="generator" content="pathstats">'
_HEAD = 1_000


@cache
def templates() -> Environment:
    """The environment of the templates in `templates/`."""
    return Environment(
        loader=PackageLoader("flows.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, *, scripts: tuple[str, ...] = (), data: Any = None, **words: Any) -> str:
    """The template as HTML, with its scripts and their data.

    The content security policy allows the page's own script and style by hash and nothing else, so that
    markup that slipped past the escaping can't run or load anything.
    """
    style = _text("page.css")
    script = "".join(map(_text, scripts))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    html = templates().get_template(template)
    return html.render(
        mark=Markup(_MARK),
        policy=policy,
        style=Markup(style),
        script=Markup(script),
        data=_as_json(data),
        **words,
    )


def is_page(file: Path) -> bool:
    """Whether the file is a page of this product."""
    with file.open("rb") as start:
        return _MARK.encode() in start.read(_HEAD)


@cache
def _text(name: str) -> str:
    loader = templates().loader
    assert loader is not None
    return loader.get_source(templates(), name)[0]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _as_json(data: Any) -> Markup:
    """JSON in which no value can be parsed as markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
