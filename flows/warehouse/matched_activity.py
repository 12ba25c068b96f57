"""Matched activity: the share of rows that refer to a known user, session and step."""

from collections.abc import Iterable

from flows.database.connection import Connection
from flows.run_config import Thresholds
from flows.sources.base import DataWarning
from schemas.errors import RunBlocked
from schemas.manifest import Matched

# Fewer rows than these never block a run: in a small company each is a large share.
_FEWEST_ROWS = 10
_KNOWN = {"user": "users", "session": "path_sessions", "step": "path_steps"}
REFERRED_TO = {"step_activity", "enrollments", *_KNOWN.values()}


def matched(connection: Connection, activity: str = "step_activity") -> dict[str, Matched]:
    """How much activity matches, by company.

    activity: a relation with stored rows of step_activity.
    """
    known = ", ".join(
        f"{kind}_key IN (SELECT {kind}_key FROM {table}) AS {kind}" for kind, table in _KNOWN.items()
    )
    counts = connection.rows(
        f"""
        SELECT company_id, count(*), count(*) FILTER (user), count(*) FILTER (step), count(session_key),
          count(*) FILTER (session), count(*) FILTER (user AND session AND step), count(enrollment_id)
        FROM (SELECT company_key, session_key, enrollment_id, {known} FROM {activity})
        JOIN company_keys USING (company_key) GROUP BY company_id ORDER BY company_id"""
    )
    named = dict(
        connection.rows(
            f"""
            SELECT company_id, count(*) FROM {activity} AS a SEMI JOIN enrollments
              USING (company_key, session_key, user_key, enrollment_id)
            JOIN company_keys USING (company_key) GROUP BY company_id"""
        )
        if any(row[-1] for row in counts)
        else []
    )
    return {row[0]: Matched(*row[1:], enrollment=named.get(row[0], 0)) for row in counts}


def block_falling_share(
    now: dict[str, Matched], before: dict[str, Matched], limits: Thresholds, hints: Iterable[str]
) -> None:
    """Block the run if the share of matched activity of a company has fallen by too much.

    before: of the live release. hints: near matches, to quote.
    Raises: RunBlocked.
    """
    if limits.allow_shrink:
        return
    for company in sorted(now.keys() & before.keys()):
        fallen = _fallen(before[company], now[company], limits.max_shrink)
        if fallen:
            kind, was, share = fallen[0]
            raise RunBlocked(
                f"Table step_activity: the share of rows of company {company} with a known {kind} fell "
                f"from {was:.0%} to {share:.0%}, by more than the limit of {limits.max_shrink:.0%}. "
                f"{''.join(f'{hint} ' for hint in hints)}"
                "Correct the ids in the source, or accept the loss once with --allow-shrink."
            )


def _fallen(before: Matched, now: Matched, limit: float) -> list[tuple[str, float, float]]:
    """The kinds of reference with a share that fell by more than the limit, with both shares."""
    if now.rows < _FEWEST_ROWS:
        return []
    earlier = before.shares()
    return [
        (kind, was, share)
        for kind, share in now.shares().items()
        if (was := earlier[kind]) and share is not None and (was - share) / was > limit
        if kind != "step" or _loses_steps(before, now, limit)
    ]


def _loses_steps(before: Matched, now: Matched, limit: float) -> bool:
    """Whether fewer steps are known than before; more activity on courses outside paths is not a loss."""
    was, share = (it.complete / it.in_session if it.in_session else 0 for it in (before, now))
    return was - share > limit * was or before.step - now.step > limit * before.step


def low_shares(found: dict[str, Matched], least: float, table: str) -> list[str]:
    """A warning for each company with less matched activity than `least`, of the rows that name something."""
    return [
        str(DataWarning(table, f"{f'company {company}: ' if len(found) > 1 else ''}{words}"))
        for company, one in found.items()
        for words in _low(one, least)
    ]


def _low(one: Matched, least: float) -> Iterable[str]:
    if one.in_session and one.complete / one.in_session < least:
        yield (
            f"only {one.complete:,} of the {one.in_session:,} rows that name a session match a known user, "
            f"session and step ({one.in_words})."
        )
    if one.in_enrollment and one.enrollment / one.in_enrollment < least:
        yield (
            f"only {one.enrollment:,} of the {one.in_enrollment:,} rows that name an enrollment name one of "
            "the same learner in the same session."
        )
