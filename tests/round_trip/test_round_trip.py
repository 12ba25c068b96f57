"""A world, its platform, the source, a run: the same statistics as of the world directly."""

import json
import random
import signal
from pathlib import Path

import polars as pl
import pytest
import stamina
from typer.testing import CliRunner

from flows.ops.run_figures import markdown
from pathstats.cli.main import app
from sandbox.app import Sandbox
from sandbox.fault_injection import Misbehavior
from sandbox.platform import Platform
from sandbox.server import serving
from sandbox.valid_tables import Tables
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.killed_runs import Kill, Runs, Task
from tests.helpers.nested_worlds import world_of_families
from tests.helpers.one_company import of_one_company
from tests.helpers.served_demo import (
    DAY_1,
    DAY_2,
    SOURCE,
    Frames,
    comparable,
    differing,
    directly,
    extracted,
    run,
    served,
    some_paths,
    statistics,
    world,
)

MISBEHAVIOURS = {
    "busy and errors": "busy=0.1,retry_after_s=0,error=0.4",
    "cut and slow": "cut=0.4,slow=0.4,pause_s=0.1",
    "moving": "moving=0.3",
}
EVERYTHING = "busy=0.03,retry_after_s=0,error=0.1,cut=0.1,slow=0.1,pause_s=0.05,expire=0.1,moving=0.2"
# Upcoming changes of enrollments: the platform doesn't know them ahead.
AHEAD = "valid_until"
# Fields that due dates depend on: dates that count from the session's start have no words.
OF_DUE_DATES = (
    "status",
    "detailed_status_type",
    "detailed_status_reason",
    "next_due_at",
    "overdue_steps",
    "decided_by_step_id",
    "deciding_rule",
    "is_late",
    "late_since",
)


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize("what", MISBEHAVIOURS)
def test_the_tables_are_the_platform_s(small: Platform, tmp_path: Path, what: str) -> None:
    sandbox = Sandbox(small, misbehavior=Misbehavior.of(MISBEHAVIOURS[what]), limit=0)
    with serving(sandbox.app()) as url:
        assert differing(extracted(url, tmp_path), comparable(small.tables)) == []


def test_quizzes_sub_paths_and_all_that_is_rare_come_through(tmp_path: Path) -> None:
    tables, as_of = world_of_families(random.Random(312), 6)
    rare = Platform(of_one_company(tables), as_of)
    assert min(rare.tables[name].height for name in ("waivers", "child_sessions")) > 5
    with serving(Sandbox(rare, limit=0).app()) as url:
        found = extracted(url, tmp_path, company="acme")
    assert differing(found, comparable(rare.tables)) == []


@pytest.fixture(scope="module")
def through_the_platform(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """The statistics of a run with a platform that misbehaves in every way."""
    home = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=8, cap=True):
        sandbox = Sandbox(Platform(tables, DAY_1), misbehavior=Misbehavior.of(EVERYTHING), limit=0)
        with served(sandbox) as settings:
            for name, value in settings.items():
                patch.setenv(name, value)
            run(SOURCE, home)
        assert sandbox.clients.issued > 1, "no token was revoked"
    return statistics(home)


def test_the_statistics_are_those_of_the_same_tables_directly(
    through_the_platform: Frames, tables: Tables, tmp_path: Path
) -> None:
    assert differing(through_the_platform, directly(Platform(tables, DAY_1).tables, DAY_1, tmp_path)) == []


def test_the_statistics_are_those_of_the_world_where_the_api_has_words_for_it(
    through_the_platform: Frames, tables: Tables, tmp_path: Path
) -> None:
    """Paths of courses alone, as they always were: all of it, but for due dates from the session's start."""
    expected = directly(tables, DAY_1, tmp_path)["path_session_stats"]
    found = through_the_platform["path_session_stats"]
    steps = tables["path_steps"].join(tables["paths"].select("path_id", "name"), on="path_id")
    is_changed = (pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()).any()
    has_others = pl.col("type").is_in(["assessment", "classroom", "path", "program"]).any()
    has_words = pl.col("due_basis").is_null() | (pl.col("due_basis") == "enrollment")
    of_paths = steps.group_by("path_id", "name").agg(is_changed | has_others, of_all=has_words.all())
    messages = of_paths.filter(~pl.col("valid_from")).join(tables["path_sessions"], on="path_id")
    for of_all, untold in ((True, {AHEAD}), (False, {AHEAD, *OF_DUE_DATES})):
        sessions = messages.filter(pl.col("of_all") | pl.lit(not of_all))["session_id"].implode()
        ours, theirs = (
            rows.filter(pl.col("session_id").is_in(sessions)).drop(untold) for rows in (found, expected)
        )
        assert ours.height > 20
        assert differing({"rows": ours}, {"rows": theirs}) == []


def test_a_second_run_reads_what_changed(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("First aid at work", "Information security")
    small, next_day = (
        Platform(some_paths(rows, *names), day) for rows, day in ((tables, DAY_1), (world(DAY_2), DAY_2))
    )
    sandbox = Sandbox(small, limit=0)
    with served(sandbox) as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        run(SOURCE, tmp_path / "home")
        sandbox.become(next_day)
        manifest = run(SOURCE, tmp_path / "home", DAY_2)
    came = {table: count.delivery for table, count in manifest.tables_in.items()}
    assert came["enrollments"] == came["path_sessions"] == came["paths"] == "changes"
    assert 0 < manifest.tables_in["enrollments"].read < next_day.tables["enrollments"].height
    assert manifest.computed < manifest.enrollments
    assert differing(statistics(tmp_path / "home"), directly(next_day.tables, DAY_2, tmp_path)) == []
    _is_told_of_parity(manifest, tmp_path / "home")


def _is_told_of_parity(manifest: Manifest, home: Path) -> None:
    """The platform's own answers are ours but where its wording is another; a person is shown how often."""
    assert manifest.parity
    assert manifest.parity.compared == manifest.enrollments
    assert set(manifest.parity.differences) == {"toRetake wording"}
    assert sorted(manifest.parity.same.values())[1:] == [manifest.enrollments] * 4
    assert "parity.parquet" in manifest.files
    assert f"same as the platform's own, of {manifest.enrollments:,} enrollments" in markdown(manifest)
    shown = CliRunner().invoke(app, ["parity", "--home", str(home)], env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    assert f"Against the platform's own answers, {manifest.enrollments:,} enrollments" in shown.stdout
    assert "detailed_status: ours" in shown.stdout
    messages = CliRunner().invoke(app, ["parity", "--json", "--examples", "0", "--home", str(home)])
    facts = json.loads(messages.stdout)
    assert (facts["compared"], facts["examples"]) == (manifest.enrollments, [])
    assert "@" not in shown.stdout + messages.stdout


def test_a_run_killed_while_it_reads_goes_on_with_what_it_has(
    small: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(small, misbehavior=Misbehavior(moving=0.2), limit=0)
    home = tmp_path / "home"
    kills = [
        Kill("flows.sources.page_store:Landing.add", "after", 1),
        Kill("flows.sources.page_store:Landing._journal", "before", 5),
        Kill("flows.sources.learning360.replay:make_tables", "before"),
    ]
    with served(sandbox) as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with Runs() as runs:
            ended = [runs.run(Task(SOURCE, str(home), kill=kill, as_of=DAY_1.isoformat())) for kill in kills]
            assert ended == [-signal.SIGKILL] * len(kills)
            assert not Home(home).latest.exists()
            assert runs.run(Task(SOURCE, str(home), as_of=DAY_1.isoformat())) == 0
    assert differing(statistics(home), directly(small.tables, DAY_1, tmp_path)) == []
