"""A landed run as a source: the same tables without the platform."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.learning360.replay import Replay
from flows.sources.page_store import Landing
from flows.sources.registry import open_source
from schemas.errors import HomeBusy, SourceError
from tests.helpers.extractions import AS_OF, extracted, held_after, land, source
from tests.helpers.small_company import PATH, small_company


def replayed(folder: Path, scratch: Path, held_by: Path | None = None) -> dict[str, pl.DataFrame]:
    scratch.mkdir(parents=True)
    found = open_source(f"landing:{folder}")
    stored = held_after(held_by) if held_by else EMPTY_WAREHOUSE
    return {item.name: pl.read_parquet(item.file) for item in found.extract(scratch, AS_OF, stored)}


def test_the_same_tables_of_a_whole_extraction_and_of_changes(tmp_path: Path) -> None:
    platform, kept = small_company(page_size=1), tmp_path / "kept"
    whole = extracted(platform, kept)
    enrolled = platform.lists[f"paths/{PATH}/enrollments"]
    enrolled[0] |= {"archivedAt": "2026-03-09T00:00:00.000Z", "modifiedAt": "2099-01-01T00:00:00.000Z"}
    changes = extracted(platform, kept, held_after(kept))
    assert "changes of enrollments" in changes
    for name, expected, stored in (("", whole, None), ("-2", changes, kept)):
        again = replayed(kept / f"20260310T020000Z{name}", tmp_path / f"scratch{name}", stored)
        assert again.keys() == expected.keys()
        for table, rows in expected.items():
            assert again[table].sort(pl.all()).equals(rows.sort(pl.all())), table


def test_a_replay_leaves_the_landing_as_it_was(kept: Path, tmp_path: Path) -> None:
    folder = kept / "20260310T020000Z"
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.*")}
    replayed(folder, tmp_path / "scratch")
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.*")} == before


def test_invalid_landing_can_not_be_replayed(kept: Path, tmp_path: Path) -> None:
    platform = small_company()
    with pytest.raises(SourceError, match=r"not a landing; give a folder that contains landing\.json"):
        replayed(tmp_path, tmp_path / "none")
    land(platform, kept, held_after(kept))
    with pytest.raises(SourceError, match=r"contains changes since 20260310T020000Z; replay that one first"):
        replayed(kept / "20260310T020000Z-2", tmp_path / "changes")
    folder = kept / "20260310T020000Z"
    Landing.open(folder).note(read_at=None)
    with pytest.raises(SourceError, match="is incomplete; `--source 360learning` resumes it"):
        replayed(folder, tmp_path / "half")
    noted = json.loads((folder / "landing.json").read_text("utf-8"))
    (folder / "landing.json").write_text(json.dumps(noted | {"format": 99}), "utf-8")
    with pytest.raises(SourceError, match="not a landing"):
        replayed(folder, tmp_path / "other")


def test_a_landing_that_is_damaged_on_the_disk(tmp_path: Path) -> None:
    """A gzip that is broken in the middle, of the size it had."""
    landing = land(small_company(), tmp_path / "kept")
    file = landing.folder / str(landing.pages("users")[0].file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8] = b"\x00" * 8
    file.write_bytes(content)
    with pytest.raises(SourceError, match="the stored pages can't be read"):
        replayed(landing.folder, tmp_path / "scratch")


def test_two_extractions_do_not_write_one_landing(tmp_path: Path) -> None:
    scratch = tmp_path / "kept" / "extracts"
    scratch.mkdir(parents=True)
    first = source(small_company()).extract(scratch, AS_OF, EMPTY_WAREHOUSE)
    next(first)
    with pytest.raises(HomeBusy, match="Another extraction is running"):
        next(source(small_company()).extract(scratch, AS_OF, EMPTY_WAREHOUSE))
    assert Replay(tmp_path).folder == tmp_path
