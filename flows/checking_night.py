"""A night that stops before anything is kept: what would be refused, and why."""

import tempfile
from datetime import datetime
from pathlib import Path

from flows.night import delivered
from flows.warehouse import loading
from flows.warehouse.duck import Duck
from flows.warehouse.loading import Counts
from schemas.inputs import INPUTS
from schemas.manifest import run_id


def check_source(source: str, as_of: datetime) -> dict[str, Counts]:
    """What would become of the source's rows, by table.

    Raises: SourceError if a table can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="pathstats-") as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        extracts = delivered(source, landing, as_of)
        with Duck(Path(folder) / "check.duckdb") as duck:
            loading.start(duck)
            counts = {
                item.table: loading.load(duck, model, item, run_id=run_id(as_of), as_of=as_of)
                for model, item in zip(INPUTS, extracts, strict=True)
            }
            return loading.accept(duck, counts, max_refused_share=1.0, run_id=run_id(as_of), as_of=as_of)
