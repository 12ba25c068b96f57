"""The public interface: `lookup` for one learner in one session, `scan` for analysts, the command line."""

from pathstats.lookup import PathStats, lookup
from pathstats.tables import scan

__all__ = ["PathStats", "lookup", "scan"]
