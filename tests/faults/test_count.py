"""docs/operations.md names the true number of faults that are tried."""

import re

from tests.faults.test_damaged import DAMAGED_RELEASES, DAMAGES
from tests.faults.test_full_or_read_only import FORBIDDEN, ROOMS
from tests.helpers.kill_points import AT_FIRST, BY_CHANGES, IN_FULL
from tests.helpers.killed_runs import ROOT


def test_operations_page_names_as_many_faults_as_are_tried() -> None:
    kills = sum(map(len, (*BY_CHANGES, *IN_FULL, *AT_FIRST)))
    others = sum(map(len, (DAMAGES, DAMAGED_RELEASES, ROOMS, FORBIDDEN)))
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    ((faults, killed),) = re.findall(r"(\d+) faults are tried, nothing was lost: (\d+) kills", page)
    assert (int(faults), int(killed)) == (kills + others, kills)
