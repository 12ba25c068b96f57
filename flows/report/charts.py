"""Draw charts as SVG. Colors come from the page's CSS variables, for light and dark mode.

Charts are specified in the Vega-Lite grammar (https://vega.github.io/vega-lite/docs/).
"""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

# About a phone's width, so that text is not scaled down there.
_SIZE = {"width": 320, "height": 132, "padding": 2, "background": "transparent"}
_LOOKS = {
    "view": {"stroke": None},
    "axis": {
        "labelFont": "Roboto, sans-serif",
        "labelFontSize": 11,
        "labelColor": "var(--soft)",
        "labelPadding": 6,
        "gridColor": "var(--rule)",
        "domainColor": "var(--edge)",
        "tickColor": "var(--edge)",
    },
}
_LEARNERS = {
    "field": "learners",
    "type": "quantitative",
    "title": None,
    "scale": {"zero": True, "nice": True},
    "axis": {"tickCount": 3, "format": ",d", "tickMinStep": 1, "domain": False, "ticks": False},
}


def columns(counts: dict[str, int], *, name: str) -> str:
    """A column chart of learners per range. name: a prefix that keeps the chart's ids unique in the page."""
    ranges = {
        "field": "range",
        "type": "ordinal",
        "title": None,
        "sort": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
    }
    rows = [{"range": _short(label), "learners": count} for label, count in counts.items()]
    return _chart(rows, {"type": "bar", "color": "var(--chart)"}, ranges, name)


def history(runs: list[tuple[datetime, int]], *, name: str, color: str) -> str:
    """A line chart of a count from run to run."""
    # Vega's own ticks would repeat a day's label if there are only two runs.
    ticks = [
        {
            "utc": True,
            "year": day.year,
            "month": day.month,
            "date": day.day,
            "hours": day.hour,
            "minutes": day.minute,
        }
        for day in _a_few([when for when, _ in runs])
    ]
    time = {
        "field": "run",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {
            "format": "%-d %b",
            "values": ticks,
            "grid": False,
            "labelOverlap": True,
            "labelFlush": True,
        },
    }
    line = {
        "type": "line",
        "color": f"var(--{color})",
        "strokeWidth": 2,
        "point": {"color": f"var(--{color})", "filled": True, "size": 28},
    }
    rows = [{"run": when.isoformat(), "learners": count} for when, count in runs]
    return _chart(rows, line, time, name)


def _a_few(runs: list[datetime]) -> list[datetime]:
    """At most four runs of different days, evenly spaced and including the last.

    >>> [run.day for run in _a_few([datetime(2026, 3, day) for day in range(1, 12)])]
    [2, 5, 8, 11]
    """
    last_of_day = list({run.date(): run for run in runs}.values())
    step = -(-len(last_of_day) // 4)
    return last_of_day[::-1][::step][::-1]


def _short(label: str) -> str:
    """A short label for the range, so that all labels fit on the axis.

    >>> [_short(label) for label in ("0", "1–9", "90–99", "100")]
    ['0', '<10', '90s', '100']
    """
    first, is_range, _ = label.partition("–")
    if not is_range:
        return label
    return "<10" if first == "1" else f"{first}s"


def _chart(rows: list[dict[str, Any]], mark: dict[str, Any], x: dict[str, Any], name: str) -> str:
    chart = {
        **_SIZE,
        "config": _LOOKS,
        "data": {"values": rows},
        "mark": mark,
        "encoding": {"x": x, "y": _LEARNERS},
    }
    return _with_stable_ids(name, _svg(json.dumps(chart)))


@lru_cache(maxsize=64)
def _svg(specification: str) -> str:
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(specification, vl_version="6.4")
    return svg


def _with_stable_ids(name: str, svg: str) -> str:
    """The SVG with ids that depend only on the name: Vega's ids count up from chart to chart."""
    found = list(dict.fromkeys(re.findall(r'id="([^"]+)"', svg)))
    for number, old in enumerate(found):
        svg = svg.replace(f'id="{old}"', f'id="{name}-{number}"').replace(
            f"url(#{old})", f"url(#{name}-{number})"
        )
    # The page describes the chart as a whole, so screen readers skip the SVG's own labels.
    return re.sub(r' (aria-[a-z]+|role)="[^"]*"', "", svg).replace("<svg ", '<svg aria-hidden="true" ', 1)
