"""Releases switched, made and deleted under a server that is asked all the time: no answer is wrong."""

import asyncio
import os
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.expected_responses import Expected
from benchmarks.mixed_clients import LoadClient, LoadResults
from flows.release.publish import switch_latest
from pathstats.endpoint import keys
from schemas.home import Home
from tests.helpers.home_with_releases import shelve
from tests.helpers.one_run import AS_OF, as_parquet, run
from tests.helpers.server_process import Server
from tests.reference.rows import Tables
from tests.reference.tables import world

_SECONDS = 2.0


def tables(n: int) -> Tables:
    """Two companies with the same ids; what each learner did differs by company and by n."""
    return world(
        paths="company | path \n acme | P \n zen | P",
        steps="company | step \n acme | A \n zen | A",
        sessions="company | session \n acme | S \n zen | S",
        enrollments="""
        company | enrollment | user
        acme    | e1         | u1
        acme    | e2         | u2
        zen     | e1         | u1
        zen     | e2         | u2
        """,
        activity=f"""
        company | step | user     | completed   | time_ms
        acme    | A    | u1       | {n + 5} Mar | {1_000 + n}
        zen     | A    | u{n + 1} | 6 Mar       | {2_000 + n}
        """,
    )


def test_no_answer_is_wrong_and_none_fails(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for n in (0, 1):
        run(as_parquet(tmp_path / f"in {n}", tables(n)), home.root, AS_OF + timedelta(days=n))
    made = [home.release(folder.name) for folder in sorted(home.releases.iterdir())]
    results = LoadResults({it: keys.create(home, it, "", datetime.now(UTC))[1] for it in ("acme", "zen")})
    for release in made:
        results.expected[release.folder.name] = Expected.of(release, ["S"])
    pairs = list(results.expected[made[0].folder.name].learners)
    assert len(pairs) == 4

    def switched(number: int) -> str:
        """To one of the two, or to a copy of the latest, which is deleted when the next one answers."""
        for folder in home.releases.glob("*-7"):
            if folder.name != os.path.basename(os.readlink(home.latest)):
                shutil.rmtree(folder)
        release = made[number % 2]
        if number % 3 == 0:
            day = AS_OF + timedelta(days=number)
            release = shelve(home, f"{day:%Y%m%dT%H%M%SZ}-7", datetime.now(UTC), day)
            results.expected[release.folder.name] = Expected.of(release, ["S"])
        switch_latest(home, release.folder.name)
        return release.folder.name

    async def played(url: str) -> int:
        until, number = asyncio.Event(), 0
        askers = [asyncio.create_task(LoadClient(url, results, pairs, n).run(until)) for n in range(4)]
        end = asyncio.get_running_loop().time() + _SECONDS
        while asyncio.get_running_loop().time() < end and not any(asker.done() for asker in askers):
            number += 1
            await results.switch(partial(switched, number))
            await asyncio.sleep(0.03)
        until.set()
        await asyncio.gather(*askers)
        return number

    with Server(home.root) as server:
        switches = asyncio.run(played(server.url))
    results.check_pending()
    assert results.faults == []
    assert not results.unchecked
    assert switches > 10
    assert len(results.releases) > 5
    assert set(results.statuses) == {"200", "304", "401", "404"}
