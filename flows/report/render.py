"""Render pages as single files: style, script and data inside, nothing loaded from elsewhere."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# A page with this mark was made here.
_MARK = '<meta name="generator" content="pathstats">'
_HEAD = 1_000


@cache
def templates() -> Environment:
    """The templates, from the folder next to this file."""
    return Environment(
        loader=PackageLoader("flows.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, *, scripts: tuple[str, ...] = (), data: Any = None, **words: Any) -> str:
    """The template as HTML, with its scripts and the data they read.

    The policy lets the browser run and apply what is in the page by its hash, and load nothing: also what
    might have got past the escaping.
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
    """Whether the file is a page that was made here."""
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
    """JSON that no browser reads as markup, whatever it contains."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
