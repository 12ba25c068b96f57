"""The platform's results against ours: each category of differences in a world made for it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from flows.ops.run_figures import markdown
from flows.reconciliation.run import parity_warnings
from flows.release.catalog import manifest_of
from flows.release.schema_gate import check
from pathstats.cli.main import app
from pathstats.cli.render.agreement import agreement as table_of
from pathstats.cli.render.console import screen
from schemas.enums import PARITY_DIFFERENCES, PARITY_FIELDS
from schemas.errors import RunBlocked
from schemas.manifest import Agreement, Manifest
from schemas.outputs import Parity
from tests.helpers.one_run import AS_OF, as_parquet, latest, published, run
from tests.helpers.reconciled_world import differences, held_against
from tests.reference.tables import world

HEADER = (
    "enrollment | session | user | status | progress | score | time | completed | enrolled | unenrolled | due"
)
# What the platform answers where it is of one mind with us, at 10 March; e9's learner has not arrived.
SAME = {
    "e1": "e1 | S | u1 | onTime | 50 | 60 | 0 | | 5 Mar | | 12 Mar",
    "e2": "e2 | S | u2 | late | 50 | 85 | 0 | | 1 Mar | | 8 Mar",
    "e3": "e3 | S | u3 | successful | 100 | 85 | 0 | 7 Mar | 1 Mar | | ",
    "e4": "e4 | added | u1 | successful | 100 | | 0 | 5 Mar | 1 Mar | 6 Mar | ",
    "e5": "e5 | changed | u1 | successful | 100 | 70 | 0 | 5 Mar | 1 Mar | 6 Mar | ",
    "e6": "e6 | examined | u1 | awaitingCorrection | 0 | | 0 | | 1 Mar | | ",
    "e7": "e7 | programmed | u1 | notYetStarted | 0 | | 0 | | 1 Mar | | ",
    "e8": "e8 | S | u4 | notYetStarted | 0 | | 0 | | 5 Mar | | 12 Mar",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity")
    tables = world(
        paths="path \n P \n A \n C \n E \n G",
        sessions="session | path \n S | P \n added | A \n changed | C \n examined | E \n programmed | G",
        steps="""
            path | step | type       | min_score | due    | from  | to    | examination
            P    | a    |            | 80        |        |       |       |
            P    | b    |            |           | 7 days |       |       |
            A    | c    |            |           |        |       |       |
            A    | new  |            |           |        | 8 Mar |       |
            C    | d    |            |           |        |       | 8 Mar |
            C    | d    |            | 90        |        | 8 Mar |       |
            E    | exam | assessment |           |        |       |       | yes
            G    | prog | program    |           |        |       |       |
        """,
        users="user \n u1 \n u2 \n u3 \n u4",
        enrollments="""
            enrollment | session    | user  | enrolled | archived
            e1         | S          | u1    | 5 Mar    |
            e2         | S          | u2    | 1 Mar    |
            e3         | S          | u3    | 1 Mar    |
            e4         | added      | u1    | 1 Mar    | 6 Mar
            e5         | changed    | u1    | 1 Mar    | 6 Mar
            e6         | examined   | u1    | 1 Mar    |
            e7         | programmed | u1    | 1 Mar    |
            e8         | S          | u4    | 5 Mar    |
            e9         | S          | alien | 5 Mar    |
        """,
        activity="""
            user | session | step | score | completed
            u1   | S       | a    | 60    | 6 Mar
            u2   | S       | a    | 85    | 6 Mar
            u3   | S       | a    | 85    | 6 Mar
            u3   | S       | b    |       | 7 Mar
            u1   | added   | c    |       | 5 Mar
            u1   | changed | d    | 70    | 5 Mar
        """,
    )
    run(as_parquet(folder / "in", tables), folder / "home")
    return folder / "home"


def output_text(**others: str) -> str:
    """The platform's results, with other ones for some enrollments; an empty one is left out."""
    return "\n".join([HEADER, *(row for row in {**SAME, **others}.values() if row)])


def test_equal_results_agree(home: Path, tmp_path: Path) -> None:
    parity, agreement = held_against(home, tmp_path, output_text())
    assert differences(parity) == set()
    assert parity.select("enrollment_id", "field").rows() == [
        (row["enrollment_id"], field)
        for row in published(home, "path_session_stats").to_dicts()
        for field in sorted(PARITY_FIELDS)
    ]
    assert agreement
    assert agreement.compared == len(SAME)
    assert set(agreement.same.values()) == {len(SAME)}
    assert agreement.differences == {}


def test_values_as_they_are_written(home: Path, tmp_path: Path) -> None:
    ended = output_text(e1="e1 | S | u1 | unsuccessful, sessionEnded | 50 | | 0 | | 5 Mar | | 12 Mar")
    parity, _ = held_against(home, tmp_path, ended)
    rows = {row["field"]: row for row in parity.to_dicts() if row["enrollment_id"] == "e1"}
    assert (rows["detailed_status"]["ours"], rows["detailed_status"]["theirs"]) == (
        "onTime",
        "unsuccessful, sessionEnded",
    )
    assert (rows["score"]["ours"], rows["score"]["theirs"], rows["score"]["same"]) == ("60", None, False)
    assert (rows["completed_at"]["ours"], rows["completed_at"]["same"]) == (None, True)


# The class, the answer that shows it, the fields that differ by it.
CASES = [
    (
        "toRetake wording",
        "e1 | S | u1 | toRetake | 50 | 60 | 0 | | 5 Mar | | 12 Mar",
        {"detailed_status"},
    ),
    (
        "absolute due date",
        "e1 | S | u1 | late | 50 | 60 | 0 | | 5 Mar | | 7 Mar",
        {"detailed_status"},
    ),
    (
        "absolute due date",
        "e2 | S | u2 | onTime | 50 | 85 | 0 | | 1 Mar | | 20 Mar",
        {"detailed_status"},
    ),
    (
        "added required step",
        "e4 | added | u1 | onTime | 50 | | 0 | | 1 Mar | 6 Mar | ",
        {"detailed_status", "progress", "completed_at"},
    ),
    (
        "changed steps",
        "e5 | changed | u1 | toRetake | 100 | 70 | 0 | | 1 Mar | 6 Mar | ",
        {"detailed_status", "completed_at"},
    ),
    (
        "correction not received",
        "e6 | examined | u1 | successful | 100 | 90 | 0 | 9 Mar | 1 Mar | | ",
        {"detailed_status", "progress", "score", "completed_at"},
    ),
    (
        "program without results",
        "e7 | programmed | u1 | onTime | 40 | | 5000 | | 1 Mar | | ",
        {"detailed_status", "progress", "global_time_ms"},
    ),
    (
        "platform newer than our data",
        "e2 | S | u2 | successful | 100 | 85 | 900 | 10 Mar 00:01 | 1 Mar | | ",
        {"detailed_status", "progress", "global_time_ms", "completed_at"},
    ),
    (
        "rounding",
        "e2 | S | u2 | late | 51 | 84 | 0 | | 1 Mar | | 8 Mar",
        {"progress", "score"},
    ),
    (
        "unexplained",
        "e2 | S | u2 | onTime | 50 | 70 | 1 | | 1 Mar | | 8 Mar",
        {"detailed_status", "score", "global_time_ms"},
    ),
    (
        "missing reference",
        "e9 | S | alien | notYetStarted | 0 | | 0 | | 5 Mar | | 12 Mar",
        {"enrollment"},
    ),
    (
        "unexplained",
        "e10 | S | u1 | notYetStarted | 0 | | 0 | | 5 Mar | | 12 Mar",
        {"enrollment"},
    ),
]


@pytest.mark.parametrize(("name", "answer", "fields"), CASES, ids=[f"{it[0]} {it[1][:3]}" for it in CASES])
def test_a_difference_has_its_class(
    home: Path, tmp_path: Path, name: str, answer: str, fields: set[str]
) -> None:
    enrollment = answer.partition(" ")[0]
    parity, agreement = held_against(home, tmp_path, output_text(**{enrollment: answer}))
    assert differences(parity) == {(enrollment, field, name) for field in fields}
    assert agreement
    assert agreement.differences == {name: dict.fromkeys(fields, 1)}


def test_every_class_has_a_case() -> None:
    assert {it[0] for it in CASES} | {"gone from the platform"} == set(PARITY_DIFFERENCES)


def test_difference_due_to_the_time_of_reading_is_explained(home: Path, tmp_path: Path) -> None:
    """e8 is due on 12 March: asked on the 13th, the platform may say another thing without any new data."""
    started = output_text(e8="e8 | S | u4 | late | 0 | | 0 | | 5 Mar | | 12 Mar")
    asked_late, _ = held_against(home, tmp_path / "1", started, asked_at=AS_OF + timedelta(days=30))
    assert ("e8", "detailed_status", "platform newer than our data") in differences(asked_late)
    at_once, _ = held_against(home, tmp_path / "2", started)
    assert differences(at_once) == {("e8", "detailed_status", "unexplained")}


def test_an_enrollment_that_the_platform_has_no_more(home: Path, tmp_path: Path) -> None:
    of_changes, _ = held_against(home, tmp_path / "1", output_text(e8=""), of_changes=True)
    assert differences(of_changes) == {("e8", "enrollment", "gone from the platform")}
    whole, agreement = held_against(home, tmp_path / "2", output_text(e8=""))
    assert differences(whole) == {("e8", "enrollment", "unexplained")}
    assert agreement
    assert agreement.compared == len(SAME) - 1


def test_only_unexplained_differences_warn(home: Path, tmp_path: Path) -> None:
    explained = agreed(home, tmp_path / "1", output_text(e1=CASES[0][1]))
    assert parity_warnings(explained, 1.0) == []
    odd = agreed(home, tmp_path / "2", output_text(e2="e2 | S | u2 | late | 50 | 60 | 0 | | 1 Mar | | 8 Mar"))
    assert parity_warnings(odd, 0.8) == []
    (message,) = parity_warnings(odd, 0.9)
    assert "Agreement: score (87.5%); at least 90.0% is required." in message


def agreed(home: Path, folder: Path, text: str, **how: bool) -> Agreement:
    found = held_against(home, folder, text, **how)[1]
    assert found
    return found


@pytest.mark.parametrize("of_changes", [True, False])
def test_enrollment_on_one_side_counts_against_the_agreement(
    home: Path, tmp_path: Path, of_changes: bool
) -> None:
    """Also where the reason is known: nothing of it was compared. 6 of 10 are on both sides."""
    others = {f"e{n}": f"e{n} | S | u1 | notYetStarted | 0 | | 0 | | 5 Mar | | 12 Mar" for n in (20, 21)}
    found = agreed(home, tmp_path, output_text(e7="", e8="", **others), of_changes=of_changes)
    assert (found.compared, found.on_one_side, found.share_on_both_sides) == (6, 4, 0.6)
    assert [found.share(field) for field in found.same] == [1.0] * len(PARITY_FIELDS)
    assert parity_warnings(found, 0.6) == []
    (message,) = parity_warnings(found, 0.98)
    assert message.startswith(
        "4 enrollments are known only to us or only to the platform: 60.0% were compared"
    )


@pytest.mark.parametrize("answers", [HEADER, f"{HEADER}\n x1 | S | u1 | onTime | 50 | 60 | 0 | | 5 Mar | |"])
def test_agreement_of_no_enrollment_is_not_available(home: Path, tmp_path: Path, answers: str) -> None:
    """A platform that answers nothing, and one that answers for others."""
    found = agreed(home, tmp_path, answers)
    assert found.compared == 0
    assert found.share_on_both_sides == 0
    assert [found.share(field) for field in found.same] == [None] * len(PARITY_FIELDS)
    (message,) = parity_warnings(found, 0.5)
    one_side = len(SAME) + answers.count("x1")
    assert message.startswith(
        f"No enrollment could be compared with the platform's own results: {one_side} are on one side only. "
        "The agreement is n/a."
    )
    with screen.capture() as shown:
        screen.print(table_of(found))
    assert [line.split()[2] for line in shown.get().splitlines()[2:7]] == ["n/a"] * len(PARITY_FIELDS)


def test_a_platform_that_was_not_asked(home: Path, tmp_path: Path) -> None:
    latest(home).table("parity").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        held_against(home, tmp_path, HEADER, is_asked=False)
    assert not latest(home).table("parity").exists()


def test_contradictory_row_blocks_the_release(home: Path, tmp_path: Path) -> None:
    parity, _ = held_against(home, tmp_path, output_text(e1=CASES[0][1]))
    assert check(Parity, parity) is parity
    for contradiction in ({"same": ~pl.col("same")}, {"theirs": pl.lit("another")}):
        with pytest.raises(RunBlocked, match="same_means_no_difference"):
            check(Parity, parity.with_columns(**contradiction))


def test_other_sources_publish_no_parity_table(home: Path) -> None:
    assert Manifest.read(latest(home).manifest).parity is None
    assert "parity.parquet" not in Manifest.read(latest(home).manifest).files
    done = CliRunner().invoke(app, ["parity", "--home", str(home)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "was not compared; runs from 360learning" in done.stderr


def test_artifact_of_a_run_that_compared_nothing_has_no_share(home: Path) -> None:
    manifest = replace(manifest_of(latest(home)), parity=Agreement(0, {"score": 0}, {}))
    assert "| score | n/a |" in markdown(manifest)
