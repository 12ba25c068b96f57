"""Move a damaged warehouse away, so that a run builds a new one from its source."""

import logging
import shutil

from schemas.home import Home

log = logging.getLogger("pathstats.run.setting_aside")


def set_damaged_warehouse_aside(home: Home, run_id: str) -> None:
    """Rename the damaged warehouse and its log, replacing an earlier renamed one."""
    renamed = home.damaged_warehouse(run_id)
    for older in home.root.glob(f"{home.damaged_warehouse('').name}*"):
        shutil.rmtree(older) if older.is_dir() else older.unlink()
    # The log first: the log of a damaged warehouse must not be replayed into the next one.
    if home.warehouse_log.exists():
        home.warehouse_log.rename(renamed.with_name(f"{renamed.name}.wal"))
    home.warehouse.rename(renamed)
    log.warning(
        "%s can't be read and is now %s; a new one is built from the source. What only the old one knew is "
        "lost: how steps were defined before, and when rejected rows were first seen.",
        home.warehouse,
        renamed.name,
    )
