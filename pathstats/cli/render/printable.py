"""Make text safe for a terminal: data can't move its cursor, change its colors or turn its direction."""

import typer

# Controls but line break and tab, C1 controls, bidirectional marks, line and paragraph separators, and the
# halves of characters that a terminal can't be sent.
_ESCAPED = (
    *range(0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
)
_AS_PYTHON = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _ESCAPED}
_AS_JSON = {code: f"\\u{code:04x}" for code in _ESCAPED}


def printable(text: str) -> str:
    """The text with every character that steers a terminal written out.

    >>> printable("S1\\x1b[2J \\u202egnp.exe")
    'S1\\\\x1b[2J \\\\u202egnp.exe'
    """
    return text.translate(_AS_PYTHON)


def printable_json(text: str) -> str:
    """JSON text with the same characters as JSON escapes: the same document.

    >>> printable_json('"\\x9b2J"')
    '"\\\\u009b2J"'
    """
    return text.translate(_AS_JSON)


def say(text: str, *, err: bool = False) -> None:
    """Print a line for a person, on stderr if `err`."""
    typer.echo(printable(text), err=err)
