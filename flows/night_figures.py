"""The night's figures, in words and tables, from its manifest. No ids, names or e-mails."""

from schemas.manifest import Manifest


def markdown(manifest: Manifest) -> str:
    """The night on one page."""
    rows = {name: out.rows for name, out in manifest.files.items() if out.rows is not None}
    return "\n".join(
        [
            f"# Night of {manifest.as_of}",
            "",
            f"Release `{manifest.release_id}` from `{manifest.source.partition(':')[0]}`.",
            "",
            "| detailed status | enrolments |",
            "| --- | ---: |",
            *(f"| {kind} | {n:,} |" for kind, n in manifest.enrolments_by_detailed_status.items()),
            "",
            "| published | rows |",
            "| --- | ---: |",
            *(f"| {name} | {n:,} |" for name, n in rows.items()),
            "",
            "| phase | seconds |",
            "| --- | ---: |",
            *(f"| {phase} | {spent:.2f} |" for phase, spent in manifest.seconds.items()),
        ]
    )


def table_rows(manifest: Manifest) -> list[dict[str, str | int]]:
    """What became of the rows of each table that came in."""
    return [
        {
            "table": table,
            "read": count.read,
            "stored": count.stored,
            "folded": count.folded,
            "refused": count.refused,
            "waiting": count.waiting,
            "why": ", ".join(f"{reason} {n}" for reason, n in count.reasons.items()),
        }
        for table, count in manifest.tables_in.items()
    ]
