"""Extract everything that a source delivers, in the order of merging."""

from datetime import datetime
from pathlib import Path

from flows.sources.base import Delivery, Extract, WarehouseState
from flows.sources.registry import open_source
from schemas.columns import table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS, OPTIONAL


def delivered(source: str, landing: Path, as_of: datetime, state: WarehouseState) -> Delivery:
    """Everything that the source delivers.

    Raises: SourceError if it leaves out a table that is not in the warehouse.
    """
    items = list(open_source(source).extract(landing, as_of, state))
    extracts = [item for item in items if isinstance(item, Extract)]
    for model in (model for model in INPUTS if model not in OPTIONAL):
        if table_name(model) not in {*state.full_at, *(item.table for item in extracts if item.is_full)}:
            raise SourceError(f"Source {source} delivered no table {table_name(model)}.")
    places = {table_name(model): place for place, model in enumerate(INPUTS)}
    return Delivery(
        sorted(extracts, key=lambda item: (places[item.table], not item.is_full)),
        [str(item) for item in items if not isinstance(item, Extract)],
    )
