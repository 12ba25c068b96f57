"""How e-mails compare: one fold, for the index and for the question asked of it."""


def fold_email(email: str) -> str:
    """The e-mail trimmed and in no case.

    >>> fold_email("  Zoë.STRAUSS@Example.org ") == fold_email("zoë.strauß@example.org")
    True
    """
    return email.strip().casefold()
