"""Charts as SVG that takes its colors from the page, for light and dark mode.

Each is written down in the Vega-Lite grammar (https://vega.github.io/vega-lite/docs/).
"""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

# About a phone's width: letters keep their size there.
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
    """The number of learners in each range. name: makes this chart's ids unique on the page."""
    ranges = {
        "field": "range",
        "type": "ordinal",
        "title": None,
        "sort": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
    }
    rows = [{"range": _short(label), "learners": count} for label, count in counts.items()]
    return _drawn(rows, {"type": "bar", "color": "var(--chart)"}, ranges, name)


def course(runs: list[tuple[datetime, int]], *, name: str, color: str) -> str:
    """How a count went from run to run."""
    # Named are runs that there were, a few: ticks of Vega's own repeat the day where there are two.
    named = [
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
            "values": named,
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
    return _drawn(rows, line, time, name)


def _a_few(runs: list[datetime]) -> list[datetime]:
    """Runs of different days, at most four and as far from each other, the last among them.

    >>> [run.day for run in _a_few([datetime(2026, 3, day) for day in range(1, 12)])]
    [2, 5, 8, 11]
    """
    last_of_day = list({run.date(): run for run in runs}.values())
    step = -(-len(last_of_day) // 4)
    return last_of_day[::-1][::step][::-1]


def _short(label: str) -> str:
    """The range in so few letters that all of them find room.

    >>> [_short(label) for label in ("0", "1–9", "90–99", "100")]
    ['0', '<10', '90s', '100']
    """
    first, is_range, _ = label.partition("–")
    if not is_range:
        return label
    return "<10" if first == "1" else f"{first}s"


def _drawn(rows: list[dict[str, Any]], mark: dict[str, Any], across: dict[str, Any], name: str) -> str:
    chart = {
        **_SIZE,
        "config": _LOOKS,
        "data": {"values": rows},
        "mark": mark,
        "encoding": {"x": across, "y": _LEARNERS},
    }
    return _with_ids_of(name, _svg(json.dumps(chart)))


@lru_cache(maxsize=64)
def _svg(specification: str) -> str:
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(specification, vl_version="6.4")
    return drawn


def _with_ids_of(name: str, svg: str) -> str:
    """Ids that are the same every time: Vega counts on from one chart to the next."""
    found = list(dict.fromkeys(re.findall(r'id="([^"]+)"', svg)))
    for number, old in enumerate(found):
        svg = svg.replace(f'id="{old}"', f'id="{name}-{number}"').replace(
            f"url(#{old})", f"url(#{name}-{number})"
        )
    # One picture with one description: its page gives it.
    return re.sub(r' (aria-[a-z]+|role)="[^"]*"', "", svg).replace("<svg ", '<svg aria-hidden="true" ', 1)
