"""Normalize e-mails for comparison, in the look-up index and in requests to it."""

from unicodedata import normalize


def fold_email(email: str) -> str:
    """The e-mail trimmed, case-folded and in one Unicode normalization form.

    It is normalized before and after case folding (Unicode's canonical caseless match, definition D145):
    folding alone does not unify composed and decomposed letters, and its result may not be normalized.

    >>> fold_email("  Zoë.STRAUSS@Example.org ") == fold_email("zoe\\u0308.strauß@example.org")
    True
    """
    return normalize("NFD", normalize("NFD", email.strip()).casefold())
