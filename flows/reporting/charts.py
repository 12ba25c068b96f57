"""Charts as SVG that takes its colours from the page, so that it is right in the light and in the dark."""

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import Any

# About a phone's width: letters keep their size there.
_WIDTH, _HEIGHT = 320, 132
_FONT = "Roboto, sans-serif"


def start() -> None:
    """Start what draws: a second of work on one core, once in a process; drawing then takes hundredths."""
    columns({"0": 0}, name="nothing")


def columns(counts: dict[str, int], *, name: str) -> str:
    """How many learners are in each range. name: tells this chart's ids from those of others."""
    import altair as alt

    rows = [{"range": _short(label), "learners": count} for label, count in counts.items()]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color="var(--chart)")
        .encode(
            x=alt.X(
                "range:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False)
            ),
            y=_counted(alt, "learners"),
        )
    )
    return _drawn(alt, chart, name)


def course(nights: list[tuple[datetime, int]], *, name: str, colour: str) -> str:
    """How a count went from night to night."""
    import altair as alt

    rows = [{"night": when.isoformat(), "learners": count} for when, count in nights]
    # Named are nights that there were, a few: ticks of Vega's own repeat the day where there are two.
    named = [
        alt.DateTime(
            year=day.year, month=day.month, date=day.day, hours=day.hour, minutes=day.minute, utc=True
        )
        for day in _a_few([when for when, _ in nights])
    ]
    line = {"color": f"var(--{colour})", "filled": True, "size": 28}
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(color=f"var(--{colour})", strokeWidth=2, point=line)
        .encode(
            x=alt.X(
                "night:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%-d %b", values=named, grid=False, labelOverlap=True, labelFlush=True),
            ),
            y=_counted(alt, "learners"),
        )
    )
    return _drawn(alt, chart, name)


def _a_few(nights: list[datetime]) -> list[datetime]:
    """Nights of different days, at most four and as far from each other, the last among them.

    >>> [night.day for night in _a_few([datetime(2026, 3, day) for day in range(1, 12)])]
    [2, 5, 8, 11]
    """
    last_of_day = list({night.date(): night for night in nights}.values())
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


def _counted(alt: Any, field: str) -> Any:
    return alt.Y(
        f"{field}:Q",
        title=None,
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=3, format=",d", tickMinStep=1, domain=False, ticks=False),
    )


def _drawn(alt: Any, chart: Any, name: str) -> str:
    styled = (
        chart.properties(width=_WIDTH, height=_HEIGHT, background="transparent", padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=_FONT,
            labelFontSize=11,
            labelColor="var(--soft)",
            labelPadding=6,
            gridColor="var(--rule)",
            domainColor="var(--edge)",
            tickColor="var(--edge)",
        )
    )
    # Checking the chart against its schema costs twenty times what building it does.
    specification = styled.to_dict(validate=False)
    return _with_ids_of(name, _svg(json.dumps(specification, sort_keys=True)))


@lru_cache(maxsize=64)
def _svg(specification: str) -> str:
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(specification)
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
