"""Recognize texts that a spreadsheet would read as a formula, and make them harmless.

One pattern for every place that writes for spreadsheets: `export` and `query --format csv`.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Spreadsheets skip these before a formula: controls, every kind of space, marks without a width.
_SKIPPED = (
    "\x00-\x20\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3000\ufeff"
)
# The last four are the full-width forms, which East Asian versions of Excel read as the first four.
_FORMULA = f"^(?:[\t\r\n]|[{_SKIPPED}]*[=+\\-@＝＋－＠])"
_PATTERN = re.compile(_FORMULA)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula.

    >>> [is_formula(text) for text in ("=1+1", "\\ufeff =1", "a=1", " kept ", "")]
    [True, True, False, False, False]
    """
    return _PATTERN.match(text) is not None


def as_plain_text(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would take it for a formula.

    >>> as_plain_text("@SUM(A1)"), as_plain_text("Ada")
    ("'@SUM(A1)", 'Ada')
    """
    return f"'{text}" if is_formula(text) else text


def as_plain_texts(column: "pl.Expr") -> "pl.Expr":
    """The same for a column of texts; null stays null."""
    import polars as pl

    return pl.when(column.str.contains(_FORMULA)).then(pl.lit("'") + column).otherwise(column).name.keep()
