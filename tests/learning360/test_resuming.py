"""An extraction that is killed goes on with the page it had come to; nothing is lost, nothing comes twice."""

import shutil
from pathlib import Path

import httpx
import pytest

from flows.sources.page_store import Landing
from tests.helpers.extractions import extracted, held_after, land, landed
from tests.helpers.fake_platform import FakePlatform
from tests.helpers.small_company import PATH, small_company


class Killed(BaseException):
    """Nothing catches it: what is on the disk is all that stays."""


def _killed_at(platform: FakePlatform, number: int) -> None:
    def kill(request: httpx.Request, met: int) -> None:
        if met == number:
            raise Killed

    platform.faults["/api/v2/(?!oauth2)"] = kill


def test_killed_at_every_request(tmp_path: Path) -> None:
    whole = small_company(page_size=1)
    expected = landed(land(whole, tmp_path / "whole"))
    for number in range(len(whole.asked)):
        kept = tmp_path / f"killed-{number}"
        platform = small_company(page_size=1)
        _killed_at(platform, number)
        with pytest.raises(Killed):
            land(platform, kept)
        before = [page for name in _only(kept).names() for page in _only(kept).pages(name)]
        platform.faults.clear()
        asked = len(platform.asked)
        assert landed(land(platform, kept)) == expected
        # What had been landed is not asked for again.
        assert len(platform.asked) - asked == len(whole.asked) - len(before)


def test_killed_at_any_byte_of_the_journal_and_in_the_middle_of_a_file(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    expected = landed(land(platform, tmp_path / "whole"))
    folder = _only(tmp_path / "whole").folder
    journal = (folder / "journal.ndjson").read_bytes()
    for cut in range(0, len(journal), 311):
        kept = tmp_path / f"cut-{cut}"
        torn = Path(shutil.copytree(folder, kept / folder.name))
        # A file system may leave zeros where the end of a file was not written yet.
        (torn / "journal.ndjson").write_bytes(journal[:cut] + (b"\0" * 9 + b"\n") * (cut % 2))
        (torn / "users" / "000099..ndjson.part").write_bytes(b"\x1f\x8b half")
        Landing.open(torn).note(read_at=None)
        resumed = land(platform, kept)
        assert landed(resumed) == expected
        named = {page.file for name in resumed.names() for page in resumed.pages(name)} - {None}
        assert {str(file.relative_to(torn)) for file in torn.glob("*/*")} == named


def test_page_with_a_lost_file_is_read_again_with_all_after_it(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    landing = land(platform, tmp_path)
    lost = landing.folder / str(landing.pages("users")[1].file)
    lost.write_bytes(lost.read_bytes()[:-1])
    platform.asked.clear()
    again = land(platform, tmp_path)
    assert platform.asked == ["api/v2/users?cursor=1", "api/v2/users?cursor=2"]
    assert list(again.rows_of("users")) == platform.lists["users"]
    # Also for whoever reads it later.
    assert landed(Landing.open(again.folder)) == landed(again)


def test_the_address_of_a_page_that_has_expired_meanwhile(tmp_path: Path) -> None:
    """The list is read from its beginning; what was landed of it does not count."""
    platform = small_company(page_size=1)
    platform.faults["users.cursor=2"] = lambda request, met: _raise(Killed())
    with pytest.raises(Killed):
        land(platform, tmp_path)
    expired = httpx.Response(400, json={"error": {"code": "invalidCursor", "message": "no"}})
    platform.faults["users.cursor=2"] = lambda request, met: expired if met == 1 else None
    resumed = land(platform, tmp_path)
    assert list(resumed.rows_of("users")) == platform.lists["users"]
    assert landed(Landing.open(resumed.folder)) == landed(resumed)


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("changes", [{"company_id": "other"}, {"skip": "stats"}])
def test_pages_of_another_extraction_are_not_resumed(tmp_path: Path, changes: dict[str, str]) -> None:
    platform = small_company()
    _killed_at(platform, 5)
    with pytest.raises(Killed):
        land(platform, tmp_path)
    platform.faults.clear()
    land(platform, tmp_path, **changes)
    assert len([entry for entry in tmp_path.iterdir() if entry.is_dir()]) == 2


def test_extraction_begun_yesterday_is_not_resumed(tmp_path: Path) -> None:
    platform = small_company()
    landing = land(platform, tmp_path)
    landing.note(begun_at="2026-03-09T02:00:00+00:00", read_at=None)
    assert land(platform, tmp_path).folder.name == "20260310T020000Z-2"


def test_rerun_after_a_delivery_reads_everything_again(kept: Path) -> None:
    platform = small_company()
    platform.lists["users"][0]["firstName"] = "Augusta"
    again = land(platform, kept, held_after(kept))
    assert next(again.rows_of("users"))["firstName"] == "Augusta"


def test_killed_while_tables_are_made(tmp_path: Path) -> None:
    """It was read and not delivered: nothing is asked for but the token."""
    platform = small_company()
    land(platform, tmp_path)
    platform.asked.clear()
    assert extracted(platform, tmp_path)["enrollments"].height == 4
    assert platform.asked == []


def test_killed_while_a_landing_is_begun(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extraction of changes must not go on without what those before it knew."""
    platform = small_company()
    with monkeypatch.context() as patch:
        patch.setattr("flows.sources.learning360.hand_on", lambda known, folder: _raise(Killed()))
        with pytest.raises(Killed):
            land(platform, kept, held_after(kept))
    assert extracted(platform, kept, held_after(kept))["path_steps"].height == 6
    assert sorted(entry.name for entry in kept.iterdir() if entry.is_dir()) == [
        "20260310T020000Z",
        "20260310T020000Z-2",
        "extracts",
    ]


def test_a_batch_goes_on_as_it_was_decided(kept: Path) -> None:
    platform = small_company(page_size=1)
    stored = held_after(kept)
    platform.faults["courses/stats.*cursor=2"] = lambda request, met: _raise(Killed())
    with pytest.raises(Killed):
        land(platform, kept, stored)
    decision = _newest(kept).record.decision
    platform.faults.clear()
    assert land(platform, kept, stored).record.decision == decision


def _only(kept: Path) -> Landing:
    return Landing.open(next(entry for entry in kept.iterdir() if entry.is_dir()))


def _newest(kept: Path) -> Landing:
    return Landing.open(max(entry for entry in kept.iterdir() if (entry / "landing.json").is_file()))


def test_the_small_company_has_enough_pages_to_be_killed_at() -> None:
    assert len(small_company().lists[f"paths/{PATH}/enrollments"]) == 4
