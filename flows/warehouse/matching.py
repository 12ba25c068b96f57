"""Matched activity: how much of it refers to a user, a session and a step that are known."""

from collections.abc import Iterable

from flows.sources.base import DataWarning
from flows.warehouse.duck import Duck
from flows.warehouse.limits import Limits
from schemas.errors import HeldBack
from schemas.manifest import Matched

# Fewer rows than these never block a run: in a small company each is a large share.
_FEWEST_ROWS = 10
_KNOWN = {"user": "users", "session": "path_sessions", "step": "path_steps"}
REFERRED_TO = {"step_activity", *_KNOWN.values()}


def matched(duck: Duck, activity: str = "step_activity") -> dict[str, Matched]:
    """How much activity matches, by company.

    activity: a relation with stored rows of step_activity.
    """
    known = ", ".join(
        f"{kind}_key IN (SELECT {kind}_key FROM {table}) AS {kind}" for kind, table in _KNOWN.items()
    )
    rows = duck.rows(
        f"""
        SELECT company_id, count(*), count(*) FILTER (user), count(*) FILTER (step), count(session_key),
          count(*) FILTER (session), count(*) FILTER (user AND session AND step)
        FROM (SELECT company_key, session_key, {known} FROM {activity})
        JOIN company_keys USING (company_key) GROUP BY company_id ORDER BY company_id"""
    )
    return {company: Matched(*counts) for company, *counts in rows}


def block_falling_share(
    now: dict[str, Matched], before: dict[str, Matched], limits: Limits, hints: Iterable[str]
) -> None:
    """Block the run if the share of matched activity of a company has fallen by too much.

    before: of the live release. hints: near matches, to quote.
    Raises: HeldBack.
    """
    if limits.shrink_share is None:
        return
    for company in sorted(now.keys() & before.keys()):
        earlier = before[company].shares()
        for kind, share in now[company].shares().items():
            was = earlier[kind]
            if share is None or not was or now[company].rows < _FEWEST_ROWS:
                continue
            if (was - share) / was > limits.shrink_share:
                raise HeldBack(
                    f"Table step_activity: the share of rows of company {company} with a known {kind} fell "
                    f"from {was:.0%} to {share:.0%}, by more than the limit of {limits.shrink_share:.0%}. "
                    f"{''.join(f'{hint} ' for hint in hints)}"
                    "Correct the ids in the source, or accept the loss once with --accept-shrink."
                )


def low_shares(found: dict[str, Matched], least: float, table: str) -> list[str]:
    """A warning for each company with less matched activity than `least`, of the rows that name a session."""
    return [
        str(DataWarning(table, f"{_named(found, company)}{_low(one)}"))
        for company, one in found.items()
        if one.in_session and one.complete / one.in_session < least
    ]


def _named(found: dict[str, Matched], company: str) -> str:
    return f"company {company}: " if len(found) > 1 else ""


def _low(one: Matched) -> str:
    return (
        f"only {one.complete:,} of the {one.in_session:,} rows that name a session match a known user, "
        f"session and step ({one.in_words})."
    )
