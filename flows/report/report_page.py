"""Build the report of a release: one page per company, for training managers."""

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
from flows.report.labels import REASONS, STATUS_LABELS, TABLES, moment, seconds
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

# The history charts show a quarter of a year of daily runs.
_RUNS = 90
# By transition: its label, and the count that it changes.
_TRANSITION_LABELS: dict[str, tuple[str, Callable[[StatusCounts], int]]] = {
    "became late": ("Late", lambda it: it.late),
    "completed": ("Successful", lambda it: it.by_detailed_status["successful"]),
    "to retake": ("To retake", lambda it: it.by_detailed_status["toRetake"]),
    "unsuccessful": ("Unsuccessful", lambda it: it.by_detailed_status["unsuccessful"]),
}
_STATES = ("not opened", "open", "ended")


@dataclass(frozen=True)
class Run:
    """The data of a report that is not in the release's tables.

    companies: the status counts of each company.
    since:     the release that status_changes compares with; None if there is none.
    before:    the status counts of each company in that release.
    earlier:   the manifests of runs with an earlier as_of, the oldest first.
    matched:   by company, how much activity has a known user, session and step.
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
    def with_history(
        cls,
        home: Home,
        as_of: datetime,
        companies: dict[str, StatusCounts],
        tables_in: dict[str, TableIn],
        since: str | None,
        matched: dict[str, Matched],
        warnings: list[str],
    ) -> Self:
        """The run together with the earlier runs whose releases are in the home."""
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
    """Write `report.html` into the release; with several companies a list, and `report/<company>.html` each.

    The pages depend only on the release's tables and the run: the same input gives the same bytes.

    connection: gets views with the names of the release's tables, which shadow its own.
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
    """The report of one company, from the release that is open in `connection`.

    pages: by session_id, the file names of the session pages in `report/`.
    """
    found = figures(connection, company, run.as_of, with_names=with_names)
    standing = _ordered(run.companies[company])
    before = run.before.get(company)
    is_earlier = run.since is not None and run.as_of < as_of_in(run.since)
    history = _history(company, run, standing)
    pending = sum(rows for _, reason, rows in found.rejected if reason in PENDING_REASONS)
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
        names=STATUS_LABELS,
        movements=_movements(found.transitions, standing, before),
        figures=found,
        restatements=RESTATEMENTS,
        late_by=[(kind, found.attention[0].by_standing.get(kind, 0)) for kind in STILL_TO_DO],
        with_names=with_names,
        charts=_charts(found, history),
        progress_words=_progress_words(found, standing),
        score_words=_score_words(found, standing),
        history={name: [(moment(when), count) for when, count in counts] for name, counts in history.items()},
        **_history_words(history),
        rejected=sum(rows for *_, rows in found.rejected) - pending,
        pending=pending,
        tables=TABLES,
        reasons=REASONS,
        tables_in=[
            (name, moment(datetime.fromisoformat(it.data_as_of)), it) for name, it in run.tables_in.items()
        ],
        matched=run.matched.get(company),
        warnings=run.warnings,
        # Counts and warnings about all companies together are not shown to a single company.
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
    """Label, additions, removals and net change of each count; the last two are None without `before`.

    Additions are counted from status_changes. Removals are the rest: now in another status, archived or gone.
    """
    rows = []
    for kind, (label, number) in _TRANSITION_LABELS.items():
        net = number(standing) - number(before) if before else None
        # An enrollment that is current again because a newer one is gone has no row in status_changes.
        added = max(transitions[kind], net or 0)
        rows.append((label, added, None if net is None else added - net, net))
    return rows


def _as_of(as_of: datetime) -> dict[str, Any]:
    return {"as_of": moment(as_of), "as_of_iso": as_of.isoformat()}


def _ordered(standing: StatusCounts) -> StatusCounts:
    counts = {kind: standing.by_detailed_status[kind] for kind in STATUS_LABELS}
    return StatusCounts(counts, standing.late, standing.archived)


def _history(company: str, run: Run, standing: StatusCounts) -> dict[str, list[tuple[datetime, int]]]:
    """The counts of earlier runs, with this run last."""
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


def _charts(found: Figures, history: dict[str, list[tuple[datetime, int]]]) -> dict[str, str]:
    drawn = {"progress": "", "score": "", "successful": "", "late": ""}
    if any(found.progress.counts.values()):
        drawn["progress"] = charts.columns(found.progress.counts, name="progress")
    if any(found.score.counts.values()):
        drawn["score"] = charts.columns(found.score.counts, name="score")
    if len(history["late"]) > 1:
        drawn |= {
            name: charts.history(counts, name=name, color=f"s-{name}") for name, counts in history.items()
        }
    # Safe as markup: charts contain fixed labels, dates and numbers, but no text from the data.
    return {name: Markup(svg) for name, svg in drawn.items()}


def _progress_words(found: Figures, standing: StatusCounts) -> str:
    counts = found.progress.counts
    return (
        f"Of {standing.enrolled:,} enrollments, {counts['0']:,} have no progress yet and "
        f"{counts['100']:,} have finished every required step."
    )


def _score_words(found: Figures, standing: StatusCounts) -> str:
    scored = sum(found.score.counts.values())
    return f"{scored:,} enrollments have a score; {found.score.without:,} have none yet."


def _history_words(history: dict[str, list[tuple[datetime, int]]]) -> dict[str, str]:
    words = {}
    for name, counts in history.items():
        (first, was), (_, now) = counts[0], counts[-1]
        words[f"{name}_words"] = (
            f"From {was:,} on {first.day} {first:%B %Y} to {now:,}, over {len(counts):,} runs."
        )
    return words


def _data(found: Figures, as_of: datetime, pages: dict[str, str]) -> dict[str, Any]:
    """The data of the page's script: rows as lists, times in whole seconds, sessions by their index."""
    kinds = list(STATUS_LABELS)
    places = {session: place for place, session in enumerate(found.sessions["session_id"])}
    return {
        "asOf": seconds(as_of),
        "status_counts": [[kind, label] for kind, (label, _) in STATUS_LABELS.items()],
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
        [row[f"n_{columns[kind]}"] for kind in STATUS_LABELS],
        pages.get(row["session_id"]),
        [row.get(f"late_{kind}", 0) for kind in STATUS_LABELS],
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
