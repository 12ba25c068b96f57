"""R17: which paths are steps of others."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class SubPaths:
    """Which paths are steps of others; none leads back to itself.

    edges:  path_key, sub_path_key
    levels: path_key, level (1: its sub-paths have none); paths without sub-paths are left out
    """

    edges: pl.DataFrame
    levels: pl.DataFrame


def sub_paths(steps: pl.DataFrame) -> SubPaths:
    """The sub-paths of all paths, at any time, except the ones that lead back to their own path.

    steps: path_key, sub_path_key (null of other steps), one row per version.
    """
    edges = steps.select("path_key", "sub_path_key").drop_nulls().unique()
    back = _reached(edges).select(path_key="sub_path_key", sub_path_key="path_key")
    straight = edges.join(back, on=edges.columns, how="anti")
    return SubPaths(straight, _levels(straight))


def _reached(edges: pl.DataFrame) -> pl.DataFrame:
    """From which path which path is reached, in one step or several."""
    found = edges
    while True:
        further = found.join(edges, left_on="sub_path_key", right_on="path_key", suffix="_next")
        further = further.select("path_key", sub_path_key="sub_path_key_next")
        more = pl.concat([found, further]).unique()
        if more.height == found.height:
            return found
        found = more


def _levels(edges: pl.DataFrame) -> pl.DataFrame:
    """How many steps down the deepest path is, of each path that has sub-paths."""
    found = edges.select("path_key", level=pl.lit(0, pl.UInt32)).clear()
    left, level = edges, 1
    while left.height:
        above = left.join(left, left_on="sub_path_key", right_on="path_key", how="semi")["path_key"]
        ready = left.filter(~pl.col("path_key").is_in(above.implode()))
        found = pl.concat([found, ready.select("path_key", level=pl.lit(level, pl.UInt32)).unique()])
        left, level = left.join(ready, on="path_key", how="anti"), level + 1
    return found
