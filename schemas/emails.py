"""How e-mails are compared: one fold, for the look-up index and for the questions asked of it."""

from unicodedata import normalize


def fold_email(email: str) -> str:
    """The e-mail trimmed, without case, and in one Unicode normalization form.

    Normalized before and after folding case (Unicode's canonical caseless match, definition D145): folding
    alone keeps composed and decomposed letters apart, and its result need not be normalized.

    >>> fold_email("  Zoë.STRAUSS@Example.org ") == fold_email("zoe\\u0308.strauß@example.org")
    True
    """
    return normalize("NFD", normalize("NFD", email.strip()).casefold())
