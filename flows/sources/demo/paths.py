"""Generate the tables `paths` and `path_steps` from the catalog."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from flows.sources.demo.catalog import COMPANY, PATHS, Step
from flows.sources.demo.random_draws import ids
from schemas.inputs import PathSteps


def paths(seed: int) -> pl.DataFrame:
    """The table `paths`, in the order of PATHS."""
    return pl.DataFrame(
        {
            "company_id": [COMPANY] * len(PATHS),
            "path_id": ids("path", seed, len(PATHS)),
            "name": [path.name for path in PATHS],
            "mandatory_replay": [path.replay for path in PATHS],
            "linear_progression": [path.linear for path in PATHS],
        }
    )


def path_steps(seed: int, anchor: datetime) -> pl.DataFrame:
    """The table `path_steps`, with an extra first column `path`: the index of the step's path in PATHS."""
    titles = list(dict.fromkeys(step.title for path in PATHS for step in path.steps))
    step_ids = dict(zip(titles, ids("step", seed, len(titles)), strict=True))
    path_ids = ids("path", seed, len(PATHS))
    rows = [
        {
            "path": number,
            "company_id": COMPANY,
            "path_id": path_ids[number],
            "step_id": step_ids[step.title],
            "position": position,
            "title": step.title,
            **definition(step, anchor),
        }
        for number, path in enumerate(PATHS)
        for position, step in enumerate(path.steps)
    ]
    columns = PathSteps.to_schema().columns.items()
    return pl.DataFrame(
        rows, schema={"path": pl.UInt32} | {name: column.dtype.type for name, column in columns}
    )


def definition(step: Step, anchor: datetime) -> dict[str, Any]:
    """The columns of `path_steps` that define the step."""
    basis, value, unit = step.due or (None, None, None)
    absolute = basis == "absolute"
    mode, minutes = step.time_limit or (None, None)

    def day(number: float | None) -> datetime | None:
        return None if number is None else anchor + timedelta(days=number)

    return {
        "type": step.type,
        "optional": step.optional,
        "due_basis": basis,
        "due_unit": None if absolute else unit,
        "due_value": None if absolute else value,
        "due_at": day(value) if absolute else None,
        "min_score": step.min_score,
        "attempts_limit": step.attempts,
        "time_limit_mode": mode,
        "time_limit_s": None if minutes is None else minutes * 60,
        "is_scorm": step.scorm,
        "is_examination": step.examination,
        "valid_from": day(step.since),
        "valid_to": day(step.until),
    }
