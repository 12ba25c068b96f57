"""Build the page of one session: its learners with all their steps. It is rendered on request."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.database.connection import quoted
from flows.report.labels import STATUS_LABELS, moment, seconds
from flows.report.release_views import require_present_schema
from flows.report.render import page
from flows.report.session_attempts import attempts_of
from flows.report.session_rows import SessionRows, of_company, rows_of
from schemas.enums import STILL_TO_DO
from schemas.errors import PathSessionNotFound
from schemas.home import Release
from schemas.manifest import Manifest, StatusCounts

# With more learners a page takes seconds to open; it shows a query that lists all.
_LEARNERS = 5_000
# Attempts listed per learner; `pathstats lookup --explain` lists all.
_ATTEMPTS = 20
_STATES = {
    "s": "successful",
    "f": "failed, no attempt left",
    "r": "failed, to retake",
    "p": "to do again in this session",
    "w": "awaiting correction",
    "o": "overdue",
    "n": "open",
    "x": "not a step of this learner",
}


def session_page(release: Path, company_id: str, session_id: str, *, with_names: bool = False) -> str:
    """The page of a session, from its rows of the release.

    Raises: PathSessionNotFound if the company has no such session, ReleaseTooOld.
    """
    place = Release(release)
    manifest = Manifest.read(place.manifest)
    require_present_schema(manifest)
    sessions = of_company(place, company_id, "path_sessions")
    session = sessions.filter(pl.col("session_id") == pl.lit(session_id)).collect()
    if session.is_empty():
        raise PathSessionNotFound
    (facts,) = session.to_dicts()
    (rows,) = rows_of(place, company_id, [session_id], with_names=with_names)
    as_of = datetime.fromisoformat(manifest.as_of)
    return page_of(facts, rows, as_of, with_names=with_names)


def page_of(session: dict[str, Any], rows: SessionRows, as_of: datetime, *, with_names: bool) -> str:
    """The page of a session. session: its row of PathSessions."""
    learners, steps = rows.learners, rows.steps
    places = steps.select("position", "step_id").unique().sort("position", "step_id")
    order: list[str] = places.unique("step_id", keep="last", maintain_order=True)["step_id"].to_list()
    shown = learners.head(_LEARNERS)
    enrolled = learners.filter(pl.col("archived_at").is_null())
    return page(
        "session.html.jinja",
        scripts=("tables.js", "session.js"),
        data={
            "asOf": seconds(as_of),
            "status_counts": [[kind, label] for kind, (label, _) in STATUS_LABELS.items()],
            "states": _STATES,
            "steps": order,
            "missing": learners.height - shown.height,
            "learners": _learners(shown, steps, order),
            "attempts": _attempts(shown, rows, session, as_of, order),
            "people": {user: rows.people[user] for user in shown["user_id"]} if with_names else {},
        },
        as_of=moment(as_of),
        as_of_iso=as_of.isoformat(),
        session=session | {"name": session["name"] or session["session_id"]},
        starts=moment(session["starts_at"]),
        ends=moment(session["ends_at"]) if session["ends_at"] else None,
        state=_state(session, as_of),
        standing=_standing(enrolled, learners),
        names=STATUS_LABELS,
        steps=_by_step(steps, enrolled, order),
        states=_STATES,
        late_by=_late_by(learners),
        total=learners.height,
        listed=shown.height,
        with_names=with_names,
        query="SELECT * FROM step_stats WHERE company_id = {} AND session_id = {};".format(
            *(quoted(session[name]) for name in ("company_id", "session_id"))
        ),
    )


def _state(session: dict[str, Any], as_of: datetime) -> str:
    if as_of < session["starts_at"]:
        return "not opened"
    return "ended" if session["ends_at"] and as_of >= session["ends_at"] else "open"


def _standing(enrolled: pl.DataFrame, learners: pl.DataFrame) -> StatusCounts:
    counts = dict(enrolled.group_by("detailed_status_type").len().iter_rows())
    return StatusCounts(
        {kind: counts.get(kind, 0) for kind in STATUS_LABELS},
        late=0,
        archived=learners.height - enrolled.height,
    )


def _late_by(learners: pl.DataFrame) -> list[tuple[str, int]]:
    """How many late learners (R18) each detailed status has."""
    counts = dict(learners.filter("is_late").group_by("detailed_status_type").len().iter_rows())
    return [(kind, counts.get(kind, 0)) for kind in STILL_TO_DO]


def _learners(learners: pl.DataFrame, steps: pl.DataFrame, order: list[str]) -> list[list[Any]]:
    """One list per learner, with the fields USER to OUTCOMES of `session.js`."""
    kinds = list(STATUS_LABELS)
    outcomes: dict[str, dict[str, str]] = {}
    for enrollment, step, outcome in steps.select("enrollment_id", "step_id", _outcome()).iter_rows():
        outcomes.setdefault(enrollment, {})[step] = outcome
    return [
        [
            row["user_id"],
            kinds.index(row["detailed_status_type"]),
            row["detailed_status_reason"],
            row["progress"],
            row["score"],
            row["global_time_ms"] // 1000,
            seconds(row["late_since"]),
            seconds(row["next_due_at"]),
            seconds(row["completed_at"]),
            seconds(row["archived_at"]),
            [outcomes.get(row["enrollment_id"], {}).get(step, "x") for step in order],
        ]
        for row in learners.iter_rows(named=True)
    ]


def _attempts(
    shown: pl.DataFrame, rows: SessionRows, session: dict[str, Any], as_of: datetime, order: list[str]
) -> list[list[list[Any]]]:
    """For each learner a list of attempts, with the fields STEP to WORDS of `session.js`.

    If a learner has more attempts than a page lists, a last entry has the number of the others.
    """
    number = {step_id: place for place, step_id in enumerate(order, 1)}
    found = []
    for attempts in attempts_of(shown, rows, session, as_of):
        listed: list[list[Any]] = [
            [
                number.get(line.step_id),
                line.step_id,
                seconds(line.at),
                line.score,
                line.time_spent_ms,
                line.words,
            ]
            for line in attempts[:_ATTEMPTS]
        ]
        if len(attempts) > _ATTEMPTS:
            more = f"{len(attempts) - _ATTEMPTS:,} more; `pathstats lookup --explain` lists all of them"
            listed.append([None, "…", None, None, None, more])
        found.append(listed)
    return found


def _outcome() -> pl.Expr:
    """A letter of `_STATES`, followed by the score, or by the progress of an unfinished step."""
    flags = {
        "s": "successful",
        "f": "exhausted",
        "r": "to_retake",
        "p": "replay_pending",
        "w": "awaiting_correction",
        "o": "overdue",
    }
    state = pl.coalesce(*(pl.when(flag).then(pl.lit(letter)) for letter, flag in flags.items()), pl.lit("n"))
    progress = pl.when(pl.col("progress") > 0).then(pl.col("progress").cast(pl.String))
    # Show 85.0 as 85, and 85.5 unchanged.
    score = pl.col("score").cast(pl.String).str.strip_suffix(".0")
    return pl.concat_str(state, pl.when("finished").then(score).otherwise(progress), ignore_nulls=True)


def _by_step(steps: pl.DataFrame, enrolled: pl.DataFrame, order: list[str]) -> list[dict[str, Any]]:
    """Each step in path order, with the number of enrolled learners per outcome."""
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
