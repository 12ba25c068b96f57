"""Count unknown fields and values, which a newer version of the API may return; they have no effect."""

from collections import Counter
from typing import Any

from flows.sources.learning360.resources import PATHS, STATS, ListOf
from schemas.enums import DETAILED_STATUSES, DUE_UNITS, STEP_TYPES, TIME_LIMIT_MODES

Row = dict[str, Any]

_PATH_OPTIONS = {
    "linearProgression",
    "mandatoryReplay",
    "displayForum",
    "displayClassroomMessages",
    "automatedReminders",
    "notificationOnStepCreation",
}
_STEP = {"_id", "type", "subtype", "options"}
_STEP_OPTIONS = {
    "optional",
    "relativeDate",
    "timeLimit",
    "minScore",
    "attemptsLimit",
    "thresholds",
    "isExamination",
    "subtype",
    "showCorrection",
    "showForum",
    "availability",
    "autoRegistration",
    "selfRegistration",
    "attendanceSheets",
    "recipientType",
    "scheduling",
    "assessorType",
    "validityPeriod",
}
_SUBTYPES = ("quiz", "regular", "course")


def strange(kind: ListOf, rows: list[Row]) -> Counter[str]:
    """The unknown fields, step types and values in the rows, with the number of rows.

    >>> from flows.sources.learning360.resources import USERS
    >>> strange(USERS, [{"_id": "u1", "status": "asleep", "shoeSize": 41}])
    Counter({'users.shoeSize': 1, 'users.status=asleep': 1})
    """
    found: Counter[str] = Counter()
    for name in set().union(*rows) - kind.fields:
        found[f"{kind.name}.{_word(name)}"] += sum(name in row for row in rows)
    for name, known in kind.values.items():
        for row in rows:
            if name in row and row[name] not in known:
                found[f"{kind.name}.{name}={_word(row[name])}"] += 1
    for row in rows if kind is PATHS else ():
        found.update(_of_path(row))
    for row in rows if kind is STATS else ():
        status = _object(row.get("status")).get("type")
        if status not in DETAILED_STATUSES:
            found[f"stats.status.type={_word(status)}"] += 1
    return found


def _of_path(path: Row) -> list[str]:
    found = [f"paths.options.{_word(name)}" for name in _object(path.get("options")).keys() - _PATH_OPTIONS]
    for step in path.get("steps", ()):
        found += _of_step(step) if isinstance(step, dict) else ["paths.steps that are not objects"]
    return found


def _of_step(step: Row) -> list[str]:
    options = _object(step.get("options"))
    found = [f"paths.steps.{_word(name)}" for name in step.keys() - _STEP]
    found += [f"paths.steps.options.{_word(name)}" for name in options.keys() - _STEP_OPTIONS]
    known = (
        ("type", step.get("type"), STEP_TYPES),
        ("subtype", step.get("subtype"), _SUBTYPES),
        ("options.relativeDate.unit", _object(options.get("relativeDate")).get("unit"), DUE_UNITS),
        ("options.timeLimit.mode", _object(options.get("timeLimit")).get("mode"), TIME_LIMIT_MODES),
    )
    for name, value, values in known:
        if value not in values and (value is not None or name == "type"):
            found.append(f"paths.steps.{name}={_word(value)}")
    return found


def _object(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """The value, if it is a single word that a message may show; other values may be personal data."""
    return value if isinstance(value, str) and value.isidentifier() and len(value) <= 40 else "(no word)"
