"""How two answers differ, in a few lines."""

from typing import Any

from schemas.columns import key, table_name
from schemas.outputs import PathSessionStats, SessionSummary, StepStats
from tests.reference.rules import Answer

OUTPUTS = (PathSessionStats, StepStats, SessionSummary)
# valid_until has an oracle of its own, in test_valid_until.
COLUMNS = {
    table_name(model): [name for name in model.to_schema().columns if name != "valid_until"]
    for model in OUTPUTS
}
KEYS = {table_name(model): key(model) for model in OUTPUTS}
LINES_SHOWN = 20


def differences(found: Answer, expected: Answer) -> str:
    """One line per value that differs or row that is missing or too many; empty without differences."""
    lines: list[str] = []
    for table, rows in vars(found).items():
        lines += differing_rows(table, rows, getattr(expected, table))
        lines += [
            f"{table}: columns {list(row)}"
            for row in rows[:1]
            if [name for name in row if name != "valid_until"] != COLUMNS[table]
        ]
    return "\n".join(["", *lines[:LINES_SHOWN], *["…"] * (len(lines) > LINES_SHOWN)]) if lines else ""


def differing_rows(table: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[str]:
    """The lines of one table."""
    keys = [[tuple(row[column] for column in KEYS[table]) for row in rows] for rows in (found, expected)]
    if keys[0] != keys[1]:
        missing = [f"{table} {it}: missing" for it in keys[1] if it not in keys[0]]
        surplus = [f"{table} {it}: too many" for it in keys[0] if it not in keys[1]]
        return missing + surplus or [f"{table}: rows in the wrong order, or doubled"]
    return [
        f"{table} {it}: {column} is {row.get(column)!r}, expected {other[column]!r}"
        for it, row, other in zip(keys[0], found, expected, strict=True)
        for column in COLUMNS[table]
        if row.get(column) != other[column]
    ]
