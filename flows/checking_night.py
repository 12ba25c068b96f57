"""A night that stops before anything is kept: what would be refused, and why."""

import tempfile
from datetime import datetime
from pathlib import Path

from flows.sources.opening import open_source
from flows.warehouse import loading
from flows.warehouse.duck import Duck
from flows.warehouse.loading import Counts
from schemas.columns import table_name
from schemas.inputs import INPUTS
from schemas.manifest import run_id


def check_source(source: str, as_of: datetime) -> dict[str, Counts]:
    """What would become of the source's rows, by table.

    Raises: SourceError if a table can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="pathstats-") as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        extracts = {item.table: item for item in open_source(source).extract(landing, as_of)}
        with Duck(Path(folder) / "check.duckdb") as duck:
            loading.start(duck)
            counts = {
                table_name(model): loading.load(
                    duck, model, extracts[table_name(model)], run_id=run_id(as_of), as_of=as_of
                )
                for model in INPUTS
            }
            return loading.accept(duck, counts, max_refused_share=1.0, run_id=run_id(as_of), as_of=as_of)
