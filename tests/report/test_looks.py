"""What can be computed of how the pages look: contrast in the light and in the dark; and they are shipped."""

import re
import zipfile
from itertools import combinations
from math import dist
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "flows" / "report" / "templates"
STYLE = (TEMPLATES / "page.css").read_text("utf-8")
TEXTS = ("ink", "soft", "accent", "s-late")
MARKS = sorted(set(re.findall(r"--(s-\w+|chart|edge|focus):", STYLE)))


def colors(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    named = re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark)
    return dict(named)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 computes it, from 1 to 21."""
    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_black_on_white_has_the_most_contrast_there_is() -> None:
    assert contrast("#000000", "#ffffff") == 21


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "card", "accent-soft"])
def test_texts_can_be_read(scheme: str, ground: str) -> None:
    named = colors(scheme)
    weak = {text: contrast(named[text], named[ground]) for text in TEXTS}
    assert {text: found for text, found in weak.items() if found < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "card"])
def test_marks_and_edges_can_be_seen(scheme: str, ground: str) -> None:
    named = colors(scheme)
    assert len(MARKS) == 11
    weak = {mark: contrast(named[mark], named[ground]) for mark in MARKS}
    assert {mark: found for mark, found in weak.items() if found < 3} == {}


def test_marks_of_steps_are_texts() -> None:
    """A step's mark is written in its status' color, so those are as strong as texts."""
    used = set(re.findall(r"\.step \.\w.*?color: var\(--([\w-]+)\)", STYLE))
    assert len(used) == 6
    for scheme in ("light", "dark"):
        named = colors(scheme)
        assert min(contrast(named[color], named["card"]) for color in used) >= 4.5


def test_wheel_contains_the_page_templates(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"flows/report/templates/{file.name}" for file in TEMPLATES.iterdir()}
    assert len(expected) > 5
    assert expected <= names


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_statuses_have_distinct_colors(scheme: str) -> None:
    """Neighbors in the bar differ by at least 20 in CIELAB; two grays had differed by 11."""
    named = {name: color for name, color in colors(scheme).items() if name.startswith("s-")}
    assert len(named) == 8
    differences = {
        (one, other): dist(lab(named[one]), lab(named[other])) for one, other in combinations(named, 2)
    }
    assert {pair: found for pair, found in differences.items() if found < 20} == {}


def lab(color: str) -> tuple[float, float, float]:
    """The color in CIELAB, under the white of sRGB (D65)."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in channels)
    x, y, z = (
        root(share / white)
        for share, white in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue, 0.95047),
            (0.2126 * red + 0.7152 * green + 0.0722 * blue, 1.0),
            (0.0193 * red + 0.1192 * green + 0.9505 * blue, 1.08883),
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def root(share: float) -> float:
    return share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116
