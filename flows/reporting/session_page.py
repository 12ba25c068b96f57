"""The page of one session: its learners with all their steps. Made when somebody asks for it."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.reporting.pages import page
from flows.reporting.words import STANDINGS, moment, seconds
from schemas.errors import PathSessionNotFound
from schemas.home import Release
from schemas.manifest import Manifest, Standing

# Beyond these a page takes seconds to open; the query it names lists all.
_LEARNERS = 5_000
_STATES = {
    "s": "successful",
    "f": "failed, no attempt left",
    "r": "failed, to retake",
    "p": "to do again in this session",
    "w": "waiting for correction",
    "o": "overdue",
    "n": "open",
    "x": "not a step of this learner",
}


def session_page(release: Path, company_id: str, session_id: str, *, with_names: bool = False) -> str:
    """The page of a session, from the release alone: only its own rows are read.

    Raises: PathSessionNotFound if the company has no such session.
    """
    place = Release(release)
    session = _rows(place, "path_sessions", company_id, session_id)
    if session.is_empty():
        raise PathSessionNotFound
    (facts,) = session.to_dicts()
    as_of = datetime.fromisoformat(Manifest.read(place.manifest).as_of)
    return page_of(place, facts, as_of, with_names=with_names)


def page_of(release: Release, session: dict[str, Any], as_of: datetime, *, with_names: bool) -> str:
    """The page of a session that is a row of PathSessions."""
    company_id, session_id = session["company_id"], session["session_id"]
    learners = _rows(release, "path_session_stats", company_id, session_id).filter("is_current")
    steps = _rows(release, "step_stats", company_id, session_id).join(
        learners.select("enrollment_id"), on="enrollment_id", how="semi", maintain_order="left"
    )
    places = steps.select("position", "step_id").unique().sort("position", "step_id")
    order: list[str] = places.unique("step_id", keep="last", maintain_order=True)["step_id"].to_list()
    shown = learners.head(_LEARNERS)
    enrolled = learners.filter(pl.col("archived_at").is_null())
    return page(
        "session.html.jinja",
        scripts=("tables.js", "session.js"),
        data={
            "asOf": seconds(as_of),
            "standings": [[kind, label] for kind, (label, _) in STANDINGS.items()],
            "states": _STATES,
            "steps": order,
            "learners": _learners(shown, steps, order),
            "people": _people(release, company_id, shown) if with_names else {},
        },
        as_of=moment(as_of),
        as_of_iso=as_of.isoformat(),
        session=session,
        starts=moment(session["starts_at"]),
        ends=moment(session["ends_at"]) if session["ends_at"] else None,
        state=_state(session, as_of),
        standing=_standing(enrolled, learners),
        names=STANDINGS,
        steps=_by_step(steps, enrolled, order),
        states=_STATES,
        total=learners.height,
        listed=shown.height,
        with_names=with_names,
        query="SELECT * FROM step_stats WHERE company_id = {} AND session_id = {};".format(
            *("'" + name.replace("'", "''") + "'" for name in (company_id, session_id))
        ),
    )


def _rows(release: Release, table: str, company_id: str, session_id: str) -> pl.DataFrame:
    """The session's rows; the others' are not read, for tables are sorted by company and session."""
    return (
        pl.scan_parquet(release.table(table), glob=False)
        .filter(pl.col("company_id") == pl.lit(company_id), pl.col("session_id") == pl.lit(session_id))
        .collect()
    )


def _state(session: dict[str, Any], as_of: datetime) -> str:
    if as_of < session["starts_at"]:
        return "not opened"
    return "ended" if session["ends_at"] and as_of >= session["ends_at"] else "open"


def _standing(enrolled: pl.DataFrame, learners: pl.DataFrame) -> Standing:
    counts = dict(enrolled.group_by("detailed_status_type").len().iter_rows())
    return Standing(
        {kind: counts.get(kind, 0) for kind in STANDINGS}, late=0, archived=learners.height - enrolled.height
    )


def _learners(learners: pl.DataFrame, steps: pl.DataFrame, order: list[str]) -> list[list[Any]]:
    """What `session.js` names from USER to OUTCOMES, one list a learner."""
    kinds = list(STANDINGS)
    outcomes: dict[str, dict[str, str]] = {}
    overdue_since: dict[str, int] = {}
    for step in steps.iter_rows(named=True):
        outcomes.setdefault(step["enrollment_id"], {})[step["step_id"]] = _outcome(step)
        if step["overdue"] and not step["optional"]:
            due = seconds(step["due_at"]) or 0
            overdue_since[step["enrollment_id"]] = min(due, overdue_since.get(step["enrollment_id"], due))
    return [
        [
            row["user_id"],
            kinds.index(row["detailed_status_type"]),
            row["detailed_status_reason"],
            row["progress"],
            row["score"],
            row["global_time_ms"] // 1000,
            overdue_since.get(row["enrollment_id"]),
            seconds(row["next_due_at"]),
            seconds(row["completed_at"]),
            seconds(row["archived_at"]),
            [outcomes.get(row["enrollment_id"], {}).get(step, "x") for step in order],
        ]
        for row in learners.iter_rows(named=True)
    ]


def _outcome(step: dict[str, Any]) -> str:
    """A letter of `_STATES`, then the score, or how far an unfinished step has got."""
    flags = {
        "s": "successful",
        "f": "exhausted",
        "r": "to_retake",
        "p": "replay_pending",
        "w": "awaiting_correction",
        "o": "overdue",
    }
    state = next((letter for letter, flag in flags.items() if step[flag]), "n")
    number = step["score"] if step["finished"] else step["progress"] or None
    return state if number is None else f"{state}{number}"


def _by_step(steps: pl.DataFrame, enrolled: pl.DataFrame, order: list[str]) -> list[dict[str, Any]]:
    """Each step in its place, and how many of the enrolled are where with it."""
    counts = (
        steps.join(enrolled.select("enrollment_id"), on="enrollment_id", how="semi")
        .group_by("step_id")
        .agg(
            pl.len().alias("learners"),
            pl.col("optional").all(),
            pl.col("successful").sum(),
            (pl.col("exhausted") | pl.col("to_retake")).sum().alias("failed"),
            pl.col("awaiting_correction").sum().alias("awaiting"),
            pl.col("overdue").sum(),
            pl.col("score").mean(),
        )
    )
    found = {row["step_id"]: row for row in counts.iter_rows(named=True)}
    return [{"number": number, **found[step]} for number, step in enumerate(order, 1) if step in found]


def _people(release: Release, company_id: str, learners: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """user_id to name and e-mail."""
    users = (
        pl.scan_parquet(release.table("users"), glob=False)
        .filter(pl.col("company_id") == pl.lit(company_id))
        .join(learners.lazy().select("user_id"), on="user_id", how="semi")
        .select(
            "user_id",
            pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True).str.strip_chars(),
            pl.col("email").fill_null(""),
        )
        .sort("user_id")
        .collect()
    )
    return {user: (name, email) for user, name, email in users.iter_rows()}
