"""A run's figures as text and tables, from its manifest. No ids, names or e-mails."""

from collections.abc import Iterable
from datetime import datetime

from flows.report.labels import moment
from schemas.enums import RESTATEMENTS, TRANSITIONS
from schemas.manifest import Manifest, Matched, percent


def markdown(manifest: Manifest) -> str:
    """The run on one page."""
    rows = {
        name.removesuffix(".parquet"): out.rows
        for name, out in manifest.files.items()
        if out.rows is not None
    }
    return "\n\n".join(
        [
            f"# Run of {moment(datetime.fromisoformat(manifest.as_of))}",
            f"Release `{manifest.release_id}` from `{manifest.source.partition(':')[0]}`: "
            f"{manifest.computed:,} enrollments computed, {manifest.reused:,} reused. "
            "In its folder, `report.html` is the page for people.",
            _changes(manifest),
            *_parity(manifest),
            _table("detailed status", "enrollments", manifest.enrollments_by_detailed_status.items()),
            _rejected(manifest),
            f"Matched activity: {Matched.total(manifest.matched.values()).in_words}.",
            *_warnings(manifest),
            _table("published", "rows", rows.items()),
            _table("stage", "seconds", ((name, f"{spent:.2f}") for name, spent in manifest.seconds.items())),
        ]
    )


def in_one_line(manifest: Manifest) -> str:
    """The release, its size and time, and the changes that people act on.

    >>> changed = {"became late": 3, "completed": 1, "completion date vanished": 22}
    >>> facts = dict(since="20150101T000000Z-1", transitions=changed, warnings=["users: one is odd."])
    >>> facts |= dict(seconds={"load users": 1.5, "transform": 2.25})
    >>> as_of = "2015-01-02T00:00:00+00:00"
    >>> manifest = Manifest("20150102T000000Z-1", "", as_of, "", "demo", {}, {}, {"late": 4_399}, **facts)
    >>> for part in in_one_line(manifest).split("; "):
    ...     print(part)
    20150102T000000Z-1, 4,399 enrollments, 3.8 s
    3 became late, 1 completed, 0 to retake, 0 unsuccessful
    completion date vanished: 22
    1 warning
    """
    figures = (
        f"{manifest.release_id}, {manifest.enrollments:,} enrollments, {sum(manifest.seconds.values()):.1f} s"
    )
    warned = f"; {_warnings_counted(len(manifest.warnings))}" if manifest.warnings else ""
    if manifest.since is None or manifest.is_for_an_earlier_time:
        return f"{figures}{warned}"
    changed = [f"{manifest.transitions.get(kind, 0):,} {kind}" for kind in TRANSITIONS]
    restated = [f"{kind}: {n:,}" for kind in RESTATEMENTS if (n := manifest.transitions.get(kind))]
    return f"{figures}; {'; '.join([', '.join(changed), *restated])}{warned}"


def _warnings_counted(count: int) -> str:
    return f"{count:,} warning{'' if count == 1 else 's'}"


def _changes(manifest: Manifest) -> str:
    """Changes since the live release that people act on, and corrections of published values."""
    if manifest.since is None:
        return "No earlier release to compare with."
    if manifest.is_for_an_earlier_time:
        return f"The release before, `{manifest.since}`, is for a later time."
    counts = ((kind, manifest.transitions.get(kind, 0)) for kind in (*TRANSITIONS, *RESTATEMENTS))
    return _table(f"since `{manifest.since}`", "enrollments", counts)


def _rejected(manifest: Manifest) -> str:
    """Why rows were rejected, table by table."""
    reasons = {
        f"{table}: {reason}": n
        for table, count in manifest.tables_in.items()
        for reason, n in count.reasons.items()
    }
    return _table("rejected", "rows", reasons.items()) if reasons else "No row was rejected."


def _warnings(manifest: Manifest) -> list[str]:
    """The warnings about the data as a list, each as code: column names in them may look like markup."""
    if not manifest.warnings:
        return []
    return ["\n".join(f"- `{warning.replace('`', chr(39))}`" for warning in manifest.warnings)]


def _parity(manifest: Manifest) -> list[str]:
    """The agreement with the platform's own results, and the causes of differences; empty without any."""
    parity = manifest.parity
    if parity is None:
        return []
    shares = ((field, percent(parity.share(field))) for field in parity.same)
    counts = ((name, sum(found.values())) for name, found in parity.differences.items())
    return [
        _table(f"same as the platform's own, of {parity.compared:,} enrollments", "share", shares),
        _table("differences due to", "values", counts),
    ]


def _table(left: str, right: str, rows: Iterable[tuple[str, int | str]]) -> str:
    shown = (f"| {name} | {n if isinstance(n, str) else f'{n:,}'} |" for name, n in rows)
    return "\n".join([f"| {left} | {right} |", "| --- | ---: |", *shown])


def table_rows(manifest: Manifest) -> list[dict[str, str]]:
    """The rows of each input table: read, stored, rejected, and in the warehouse."""
    return [
        {
            "table": table,
            "delivery": count.delivery,
            **{
                name: f"{getattr(count, name):,}"
                for name in ("read", "stored", "deduplicated", "rejected", "pending", "rows")
            },
        }
        for table, count in manifest.tables_in.items()
    ]
