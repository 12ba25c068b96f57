"""Parts: contiguous ranges of sessions in publication order, the unit of computing."""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from flows.database.steps import Step

ENROLLMENTS_PER_PART = 100_000


def assign_parts(table: str) -> Step:
    """The statement that creates the table of each session's part: session_key, path_key, part.

    Sessions in publication order, cut after ENROLLMENTS_PER_PART, without the ones of unknown paths.
    """
    return Step(
        f"""
    CREATE OR REPLACE TEMP TABLE {table} AS
    SELECT session_key, path_key, CAST(
        (sum(n) OVER (ORDER BY company_id, session_id ROWS UNBOUNDED PRECEDING) - n) // {ENROLLMENTS_PER_PART}
      AS INTEGER) AS part
    FROM (
      SELECT s.session_key, s.path_key, company_id, session_id,
        (SELECT count(*) FROM enrollments AS e WHERE e.session_key = s.session_key) AS n
      FROM path_sessions AS s JOIN paths USING (path_key) JOIN session_keys USING (session_key)
      JOIN company_keys ON company_keys.company_key = s.company_key)""",
        name="assign sessions to parts",
    )


@dataclass(frozen=True)
class PartRange:
    """The sessions from one to before another in publication order, by company_id and session_id.

    None is the beginning, or the end, of all sessions.
    """

    first: tuple[str, str] | None
    end: tuple[str, str] | None

    def contains(self) -> pl.Expr:
        company, session = pl.col("company_id"), pl.col("session_id")
        test = pl.lit(True)
        if self.first:
            of_company, of_session = map(pl.lit, self.first)
            # The first condition alone lets row groups be left out.
            test &= (company >= of_company) & ((company > of_company) | (session >= of_session))
        if self.end:
            of_company, of_session = map(pl.lit, self.end)
            test &= (company <= of_company) & ((company < of_company) | (session < of_session))
        if self.first and self.end and self.first[0] == self.end[0]:
            test &= (session >= pl.lit(self.first[1])) & (session < pl.lit(self.end[1]))
        return test


def part_ranges(firsts: list[tuple[str, str]]) -> list[PartRange]:
    """Ranges that begin with these sessions and together contain all sessions."""
    edges = [None, *firsts[1:], None]
    return [PartRange(first, end) for first, end in pairwise(edges)]
