"""The report of a release: one page per company, for training managers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from markupsafe import Markup

from flows.database.connection import Connection
from flows.release import catalog
from flows.report import charts
from flows.report.file_names import reports
from flows.report.labels import REASONS, STANDINGS, TABLES, moment, seconds
from flows.report.release_views import name_tables
from flows.report.render import page
from flows.report.report_data import Figures, figures
from flows.report.worklists import Attention
from schemas.columns import table_name
from schemas.dictionary import column_metadata
from schemas.enums import PENDING_REASONS, RESTATEMENTS, STILL_TO_DO
from schemas.home import Home, Release
from schemas.manifest import RULES_VERSION, SCHEMA_VERSION, Manifest, Matched, StatusCounts, TableIn, as_of_in
from schemas.outputs import OUTPUTS, SUMMARY_COUNTS

# A quarter of a year.
_RUNS = 90
# By the names that `transitions` has for them: a label, and the number that they change.
_ACTED_ON: dict[str, tuple[str, Callable[[StatusCounts], int]]] = {
    "became late": ("Late", lambda it: it.late),
    "completed": ("Successful", lambda it: it.by_detailed_status["successful"]),
    "to retake": ("To retake", lambda it: it.by_detailed_status["toRetake"]),
    "unsuccessful": ("Unsuccessful", lambda it: it.by_detailed_status["unsuccessful"]),
}
_STATES = ("not opened", "open", "ended")


@dataclass(frozen=True)
class Run:
    """The part of a report that is not in the release's tables.

    companies: where the learners of each company stand.
    since:     the release that status_changes compares with; null: none.
    before:    the status counts of each company in that release.
    earlier:   the manifests of runs as of earlier instants, the oldest first.
    matched:   how much activity of each company refers to a known user, session and step.
    warnings:  sentences about the data of all companies together.
    """

    as_of: datetime
    companies: dict[str, StatusCounts]
    tables_in: dict[str, TableIn]
    since: str | None
    before: dict[str, StatusCounts]
    earlier: list[Manifest]
    matched: dict[str, Matched] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        home: Home,
        as_of: datetime,
        companies: dict[str, StatusCounts],
        tables_in: dict[str, TableIn],
        since: str | None,
        matched: dict[str, Matched],
        warnings: list[str],
    ) -> Self:
        """A run, and the figures of the home's releases before it."""
        before = catalog.read(home.release(since)) if since else None
        return cls(
            as_of,
            companies,
            tables_in,
            since,
            before.companies if isinstance(before, Manifest) else {},
            catalog.earlier(home, as_of, most=_RUNS - 1),
            matched,
            warnings,
        )


def write_report(connection: Connection, release: Path, run: Run, *, with_names: bool = False) -> None:
    """Write `report.html` into the release; of several companies a list, and `report/<company>.html` each.

    The pages are a function of the release's tables and the run: the same of both, the same bytes.

    connection: reads them; what it has under their names it has no longer.
    """
    place = Release(release)
    files = reports(place, run.companies)
    name_tables(connection, place)
    for company, file in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(company_report(connection, company, run, with_names=with_names), "utf-8")
    if len(files) != 1:
        links = [(company, f"report/{quote(file.name)}") for company, file in files.items()]
        html = page("companies.html.jinja", companies=links, **_as_of(run.as_of))
        place.report.write_text(html, "utf-8")


def company_report(
    connection: Connection, company: str, run: Run, *, with_names: bool, pages: dict[str, str] | None = None
) -> str:
    """The report of one company, from the release that `connection` has open.

    pages: by session_id, the names of the pages in `report/` next to it.
    """
    found = figures(connection, company, run.as_of, with_names=with_names)
    standing = _ordered(run.companies[company])
    before = run.before.get(company)
    is_earlier = run.since is not None and run.as_of < as_of_in(run.since)
    course = _course(company, run, standing)
    waiting = sum(rows for _, reason, rows in found.rejected if reason in PENDING_REASONS)
    return page(
        "report.html.jinja",
        scripts=("tables.js", "report.js"),
        data=_data(found, run.as_of, pages or {}),
        **_as_of(run.as_of),
        company=company,
        standing=standing,
        before=None if is_earlier else before,
        since=moment(as_of_in(run.since)) if run.since else None,
        is_earlier=is_earlier,
        names=STANDINGS,
        movements=_movements(found.transitions, standing, before),
        figures=found,
        restatements=RESTATEMENTS,
        late_by=[(kind, found.attention[0].by_standing.get(kind, 0)) for kind in STILL_TO_DO],
        with_names=with_names,
        charts=_charts(found, course),
        progress_words=_progress_words(found, standing),
        score_words=_score_words(found, standing),
        course={name: [(moment(when), count) for when, count in counts] for name, counts in course.items()},
        **_words_of_course(course),
        rejected=sum(rows for *_, rows in found.rejected) - waiting,
        pending=waiting,
        tables=TABLES,
        reasons=REASONS,
        tables_in=[
            (name, moment(datetime.fromisoformat(it.data_as_of)), it) for name, it in run.tables_in.items()
        ],
        matched=run.matched.get(company),
        warnings=run.warnings,
        # Figures of all companies together are shown to none of them.
        is_only=len(run.companies) == 1,
        rules_version=RULES_VERSION,
        schema_version=SCHEMA_VERSION,
        models=[
            {
                "name": table_name(model),
                "meaning": " ".join((model.__doc__ or "").replace("`", "").split()),
                "columns": column_metadata(model),
            }
            for model in OUTPUTS
        ],
    )


def _movements(
    transitions: dict[str, int], standing: StatusCounts, before: StatusCounts | None
) -> list[tuple[str, int, int | None, int | None]]:
    """The gain and loss of each number, and the difference; the last two null without a release before.

    What it grew by is counted. What it shrank by is the rest: another status now, archived, or gone.
    """
    rows = []
    for kind, (label, number) in _ACTED_ON.items():
        by = number(standing) - number(before) if before else None
        # An enrollment that answers again because a newer one is gone has no row in status_changes.
        came = max(transitions[kind], by or 0)
        rows.append((label, came, None if by is None else came - by, by))
    return rows


def _as_of(as_of: datetime) -> dict[str, Any]:
    return {"as_of": moment(as_of), "as_of_iso": as_of.isoformat()}


def _ordered(standing: StatusCounts) -> StatusCounts:
    counts = {kind: standing.by_detailed_status[kind] for kind in STANDINGS}
    return StatusCounts(counts, standing.late, standing.archived)


def _course(company: str, run: Run, standing: StatusCounts) -> dict[str, list[tuple[datetime, int]]]:
    """The figures of earlier runs, and of this one last."""
    runs = [
        (datetime.fromisoformat(manifest.as_of), manifest.companies[company])
        for manifest in run.earlier
        if company in manifest.companies
    ]
    runs.append((run.as_of, standing))
    return {
        "successful": [(when, it.by_detailed_status["successful"]) for when, it in runs],
        "late": [(when, it.late) for when, it in runs],
    }


def _charts(found: Figures, course: dict[str, list[tuple[datetime, int]]]) -> dict[str, str]:
    drawn = {"progress": "", "score": "", "successful": "", "late": ""}
    if any(found.progress.counts.values()):
        drawn["progress"] = charts.columns(found.progress.counts, name="progress")
    if any(found.score.counts.values()):
        drawn["score"] = charts.columns(found.score.counts, name="score")
    if len(course["late"]) > 1:
        drawn |= {
            name: charts.course(counts, name=name, color=f"s-{name}") for name, counts in course.items()
        }
    # The charts' own letters and numbers only: nothing of the data is text in them.
    return {name: Markup(svg) for name, svg in drawn.items()}


def _progress_words(found: Figures, standing: StatusCounts) -> str:
    counts = found.progress.counts
    return (
        f"Of {standing.enrolled:,} enrollments {counts['0']:,} have not got on yet, "
        f"{counts['100']:,} have finished every required step."
    )


def _score_words(found: Figures, standing: StatusCounts) -> str:
    scored = sum(found.score.counts.values())
    return f"{scored:,} enrollments have a score; {found.score.without:,} have none yet."


def _words_of_course(course: dict[str, list[tuple[datetime, int]]]) -> dict[str, str]:
    words = {}
    for name, counts in course.items():
        (first, was), (_, now) = counts[0], counts[-1]
        words[f"{name}_words"] = (
            f"From {was:,} on {first.day} {first:%B %Y} to {now:,}, over {len(counts):,} runs."
        )
    return words


def _data(found: Figures, as_of: datetime, pages: dict[str, str]) -> dict[str, Any]:
    """The data of the page's script: rows as lists, times in whole seconds, sessions by their place."""
    kinds = list(STANDINGS)
    places = {session: place for place, session in enumerate(found.sessions["session_id"])}
    return {
        "asOf": seconds(as_of),
        "status_counts": [[kind, label] for kind, (label, _) in STANDINGS.items()],
        "sessionsMissing": found.sessions_total - found.sessions.height,
        "sessions": [_session(row, pages) for row in found.sessions.iter_rows(named=True)],
        "attention": [_group(group, places, kinds) for group in found.attention],
        "people": found.people,
    }


def _session(row: dict[str, Any], pages: dict[str, str]) -> list[Any]:
    columns = dict(SUMMARY_COUNTS)
    return [
        row["session_id"],
        row["name"],
        _STATES.index(row["state"]),
        seconds(row["starts_at"]),
        seconds(row["ends_at"]),
        row["enrolled"],
        row["archived"],
        sum(row[f"late_{kind}"] for kind in STILL_TO_DO),
        _rounded(row["mean_progress"]),
        _rounded(row["mean_score"]),
        [row[f"n_{columns[kind]}"] for kind in STANDINGS],
        pages.get(row["session_id"]),
        [row.get(f"late_{kind}", 0) for kind in STANDINGS],
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _group(group: Attention, places: dict[str, int], kinds: list[str]) -> dict[str, Any]:
    return {
        "name": group.kind.name,
        "title": group.kind.title,
        "superlative": group.kind.superlative,
        "missing": group.missing,
        "bySession": {places[name]: count for name, count in group.by_session.items() if name in places},
        "rows": [
            [
                places.get(row["session_id"], row["session_id"]),
                row["user_id"],
                seconds(row["moment"]),
                row["progress"],
                kinds.index(row["standing"]) if row["standing"] in kinds else row["standing"],
                row["step_id"],
                row["steps"],
                int(row["is_listed"]),
            ]
            for row in group.rows.iter_rows(named=True)
        ],
    }
