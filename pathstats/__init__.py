"""What people touch: `lookup` for one learner in one session, `scan` for analysts, and the command line."""

from pathstats.answering import PathStats, lookup
from pathstats.scanning import scan

__all__ = ["PathStats", "lookup", "scan"]
