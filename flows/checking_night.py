"""A night that stops before anything is kept: what would be refused, and why."""

import tempfile
from datetime import datetime
from pathlib import Path

from flows.night import delivered
from flows.sources.base import NOTHING_HELD
from flows.warehouse import accepting, loading
from flows.warehouse.accepting import NO_LIMITS, Arrival
from flows.warehouse.duck import Duck
from flows.warehouse.loading import Counts
from schemas.inputs import model_of
from schemas.manifest import run_id


def check_source(source: str, as_of: datetime) -> dict[str, Counts]:
    """What would become of the source's rows, by table.

    Raises: SourceError if a table can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="pathstats-") as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        extracts = delivered(source, landing, as_of, NOTHING_HELD)
        with Duck(Path(folder) / "check.duckdb") as duck:
            loading.start(duck)
            accepting.start(duck)
            arrivals = [Arrival(item, loading.load(duck, model_of(item.table), item)) for item in extracts]
            return accepting.accept(duck, arrivals, limits=NO_LIMITS, run_id=run_id(as_of), as_of=as_of)
