"""Sources: the same tables in every format, OULAD's mapping row by row, invalid source names."""

import gzip
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.files import Files
from flows.sources.oulad import Oulad
from flows.sources.registry import open_source
from schemas.columns import table_name
from schemas.errors import SourceError, UsageError
from schemas.home import PARQUET_TABLES
from schemas.inputs import INPUTS
from tests.helpers.one_run import AS_OF, Row, as_ndjson, as_parquet, latest, run, sha256, small_world
from tests.reference.rows import Tables
from tests.reference.tables import expect, world

TABLES = [table_name(model) for model in INPUTS]


def rich_world() -> Tables:
    """Every column of every table has a value somewhere, and a null where it may."""
    tables = world(
        steps="""
        step | type       | optional | due          | min_score | limit | time_limit  | scorm | from  | to
        A    | course     | no       | 7 days       | 80        | 2     | at most 60 s | yes  | 1 Jan | 1 Dec
        B    | assessment | yes      | 5 Mar 12:00:00.000001 | |       |             |       |       |
        """,
        users="user \n u1 \n u2",
        enrollments="enrollment | user | archived \n e1 | u1 | 6 Mar \n e2 | u2 |",
        activity="step | user | completed | score | time_ms \n A | u1 | 5 Mar | 85 | 7 \n B | u2 | | |",
        sessions="session \n S \n C",
        waivers="quiz | threshold | waives | from | to \n A | 80 | B | 1 Jan | 1 Dec \n A | 90 | B | |",
        children="session \n C",
    )
    tables["step_activity"][1] |= {"started_at": AS_OF, "last_activity_at": AS_OF, "passed": True}
    tables["users"][0] |= {"email": 'Zoë, "Z"@example.org', "first_name": "Zoë", "last_name": "O'Neil\nSmith"}
    tables["path_sessions"][0]["restarts_on_reenrollment"] = True
    return tables


def as_csv(folder: Path, tables: Tables) -> Path:
    as_parquet(folder, tables)
    for table in TABLES:
        frame = pl.read_parquet(folder / f"{table}.parquet")
        frame.write_csv(folder / f"{table}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
        (folder / f"{table}.parquet").unlink()
    return folder


def zipped(write: Callable[[Path, Tables], Path]) -> Callable[[Path, Tables], Path]:
    def write_zipped(folder: Path, tables: Tables) -> Path:
        for file in list(write(folder, tables).iterdir()):
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
        return folder

    return write_zipped


@pytest.fixture(scope="module")
def from_parquet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("parquet")
    return published_from(as_parquet(folder / "in", rich_world()), folder / "home")


def published_from(source: Path, home: Path) -> dict[str, str]:
    manifest = run(source, home)
    assert sum(counts.rejected for counts in manifest.tables_in.values()) == 0
    return {table: sha256(latest(home).table(table)) for table in PARQUET_TABLES}


@pytest.mark.parametrize(
    "write",
    [as_ndjson, zipped(as_ndjson), as_csv, zipped(as_csv)],
    ids=["ndjson", "ndjson.gz", "csv", "csv.gz"],
)
def test_every_format_gives_the_same_release(
    write: Callable[[Path, Tables], Path], from_parquet: dict[str, str], tmp_path: Path
) -> None:
    assert published_from(write(tmp_path / "in", rich_world()), tmp_path / "home") == from_parquet


def test_table_may_have_a_format_of_its_own(from_parquet: dict[str, str], tmp_path: Path) -> None:
    mixed = as_parquet(tmp_path / "in", rich_world())
    other = as_csv(tmp_path / "other", rich_world())
    for table in ("users", "step_activity"):
        (mixed / f"{table}.parquet").unlink()
        shutil.copy(other / f"{table}.csv", mixed)
    assert published_from(mixed, tmp_path / "home") == from_parquet


def test_an_optional_column_may_be_absent(tmp_path: Path) -> None:
    tables = small_world()
    for row in tables["users"]:
        for optional in ("email", "first_name", "last_name"):
            del row[optional]
    for row in tables["step_activity"]:
        del row["score"]
    manifest = run(as_ndjson(tmp_path / "in", tables), tmp_path / "home")
    assert sum(counts.rejected for counts in manifest.tables_in.values()) == 0


def test_a_missing_table_and_one_that_comes_twice_are_named(tmp_path: Path) -> None:
    source = as_parquet(tmp_path / "in", small_world())
    (source / "paths.csv").write_text("company_id\n")
    with pytest.raises(SourceError, match=r"paths has two files, paths\.csv and paths\.parquet"):
        list(Files(source).extract(tmp_path, AS_OF, EMPTY_WAREHOUSE))
    (source / "paths.csv").unlink()
    (source / "paths.parquet").unlink()
    with pytest.raises(SourceError, match=r"table paths is missing"):
        list(Files(source).extract(tmp_path, AS_OF, EMPTY_WAREHOUSE))


@pytest.mark.parametrize(
    "spec", ["", "ftp:x", "files", "files:", "oulad", "demo:learners=many", "demo:size=3"]
)
def test_a_source_that_cannot_be_meant(spec: str) -> None:
    with pytest.raises(UsageError):
        open_source(spec)


OULAD = {
    "courses": """
        code_module,code_presentation,module_presentation_length
        AAA,2013J,268
        BBB,2014B,240
        """,
    "assessments": """
        code_module,code_presentation,id_assessment,assessment_type,date,weight
        AAA,2013J,11,TMA,54,20
        AAA,2013J,9,CMA,19,0
        AAA,2013J,10,TMA,19,10.5
        AAA,2013J,12,Exam,?,100
        AAA,2013J,13,CMA,,5
        AAA,2013J,14,TMA,99,30
        BBB,2014B,21,CMA,12,0
        BBB,2014B,22,Exam,230,100
        """,
    "studentInfo": """
        code_module,code_presentation,id_student,gender,final_result
        AAA,2013J,1,M,Pass
        AAA,2013J,2,F,Fail
        BBB,2014B,1,M,Pass
        """,
    "studentRegistration": """
        code_module,code_presentation,id_student,date_registration,date_unregistration
        AAA,2013J,1,-5,
        AAA,2013J,2,,12
        BBB,2014B,1,?,?
        """,
    "studentAssessment": """
        id_assessment,id_student,date_submitted,is_banked,score
        9,1,18,0,78
        10,1,-1,1,39.0
        11,2,60,0,?
        12,1,260,0,40
        13,1,30,0,100
        21,1,1,0,0
        22,1,231,0,66
        """,
}


@pytest.fixture(scope="module")
def oulad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The six tables from a small OULAD; no one submitted assessment 14."""
    found = Oulad(small_oulad(tmp_path_factory.mktemp("oulad"))).extract(
        tmp_path_factory.mktemp("landing"), AS_OF, EMPTY_WAREHOUSE
    )
    return {item.table: pl.read_parquet(item.file).to_dicts() for item in found}


def small_oulad(folder: Path, name: str = "", old: str = "", new: str = "") -> Path:
    """The small OULAD as files; in one of them a text may be another one."""
    for file, text in OULAD.items():
        lines = "".join(f"{line.strip()}\n" for line in text.strip().splitlines())
        assert file != name or lines.count(old) == 1
        (folder / f"{file}.csv").write_text(lines.replace(old, new) if file == name else lines, "utf-8")
    return folder


def test_oulad_presentations(oulad: dict[str, list[Row]]) -> None:
    assert [
        row["company_id"] for rows in oulad.values() for row in rows if row["company_id"] != "open-university"
    ] == []
    expect(
        oulad["path_sessions"],
        """
        session   | path      | name      | starts     | ends
        AAA-2013J | AAA-2013J | AAA-2013J | 1 Oct 2013 | 26 Jun 2014
        BBB-2014B | BBB-2014B | BBB-2014B | 1 Feb 2014 | 29 Sep 2014
        """,
    )
    expect(oulad["paths"], "path | name | replay \n AAA-2013J | AAA-2013J | no \n BBB-2014B | BBB-2014B | no")


def test_oulad_users_are_one_each_and_have_no_e_mail(oulad: dict[str, list[Row]]) -> None:
    expect(oulad["users"], "user | status \n 1 | active \n 2 | active")
    assert not any(row.get("email") for row in oulad["users"])


def test_oulad_steps(oulad: dict[str, list[Row]]) -> None:
    """By date, missing ones last, then id as a number; 21 weighs nothing, as all courses of BBB do."""
    expect(
        oulad["path_steps"],
        """
        path      | step | position | type       | optional | examination
        AAA-2013J | 9    | 0        | course     | yes      | no
        AAA-2013J | 10   | 1        | course     | no       | no
        AAA-2013J | 11   | 2        | course     | no       | no
        AAA-2013J | 12   | 3        | assessment | no       | yes
        AAA-2013J | 13   | 4        | course     | no       | no
        BBB-2014B | 21   | 0        | course     | no       | no
        BBB-2014B | 22   | 1        | assessment | no       | yes
        """,
    )
    expect(
        oulad["path_steps"],
        """
        step | due_basis    | due_unit | due_value | limit
        9    | sessionStart | day      | 19        | 1
        10   | sessionStart | day      | 19        | 1
        11   | sessionStart | day      | 54        | 1
        12   |              |          |           |
        13   |              |          |           | 1
        21   | sessionStart | day      | 12        | 1
        22   |              |          |           |
        """,
    )
    assert {row["min_score"] for row in oulad["path_steps"]} == {40}


def test_oulad_enrollments(oulad: dict[str, list[Row]]) -> None:
    expect(
        oulad["enrollments"],
        """
        enrollment  | session   | user | enrolled    | archived
        AAA-2013J-1 | AAA-2013J | 1    | 26 Sep 2013 |
        AAA-2013J-2 | AAA-2013J | 2    | 1 Oct 2013  | 13 Oct 2013
        BBB-2014B-1 | BBB-2014B | 1    | 1 Feb 2014  |
        """,
    )


def test_oulad_activity(oulad: dict[str, list[Row]]) -> None:
    """A banked result was brought from an earlier presentation: outside any session. Scores are as given."""
    expect(
        oulad["step_activity"],
        """
        activity | user | step | session   | started     | progress | score | time_ms
        9-1      | 1    | 9    | AAA-2013J | 19 Oct 2013 | 100      | 78    | 0
        10-1     | 1    | 10   |           | 30 Sep 2013 | 100      | 39.0  | 0
        11-2     | 2    | 11   | AAA-2013J | 30 Nov 2013 | 100      |       | 0
        12-1     | 1    | 12   | AAA-2013J | 18 Jun 2014 | 100      | 40    | 0
        13-1     | 1    | 13   | AAA-2013J | 31 Oct 2013 | 100      | 100   | 0
        21-1     | 1    | 21   | BBB-2014B | 2 Feb 2014  | 100      | 0     | 0
        22-1     | 1    | 22   | BBB-2014B | 20 Sep 2014 | 100      | 66    | 0
        """,
    )
    for row in oulad["step_activity"]:
        assert row["started_at"] == row["last_activity_at"] == row["completed_at"]


@pytest.mark.parametrize("name", sorted(OULAD))
def test_oulad_names_the_file_that_is_missing(tmp_path: Path, name: str) -> None:
    for other in OULAD:
        if other != name:
            header = OULAD[other].strip().splitlines()[0]
            (tmp_path / f"{other}.csv").write_text(header + "\n", "utf-8")
    landing = tmp_path / "landing"
    landing.mkdir()
    with pytest.raises(SourceError, match=rf"{name}\.csv"):
        list(Oulad(tmp_path).extract(landing, datetime(2026, 1, 1, tzinfo=UTC), EMPTY_WAREHOUSE))


@pytest.mark.parametrize(("score", "rejected"), [("78.5", 0), ("many", 1), ("101", 1), ("78.0", 0)])
def test_oulad_s_scores_are_the_contract_s_to_reject(tmp_path: Path, score: str, rejected: int) -> None:
    (tmp_path / "oulad").mkdir()
    folder = small_oulad(tmp_path / "oulad", "studentAssessment", "9,1,18,0,78", f"9,1,18,0,{score}")
    activity = run(f"oulad:{folder}", tmp_path / "home").tables_in["step_activity"]
    reason = "out_of_range" if score == "101" else "bad_type"
    assert activity.reasons == ({reason: 1} if rejected else {})
    assert activity.stored == 7 - rejected


@pytest.mark.parametrize(
    ("name", "old", "new", "output"),
    [
        ("courses", "2014B,240", "2014B,240,1", r"courses\.csv, line 3: 4 fields, but the header has 3"),
        (
            "courses",
            "2014B,240",
            "2014B,long",
            r"courses\.csv, line 3: module_presentation_length is not in OULAD",
        ),
        ("courses", "2014B,240", "2014X,240", r"courses\.csv, line 3: code_presentation is not in OULAD"),
        ("courses", "code_module,", "module,", r"courses\.csv: OULAD's column code_module is missing"),
        ("assessments", "13,CMA,,5", "13,CMA,soon,5", r"assessments\.csv, line 6: date is not in OULAD"),
        ("studentInfo", "2,F,Fail", '2,"F,Fail', r"studentInfo\.csv, line 3, column gender: a closing quote"),
        ("studentRegistration", "BBB,2014B,1,?,?", "BBB", r"studentRegistration\.csv, line 4: 1 field, but"),
        ("studentAssessment", "22,1,231", "22,1,later", r"studentAssessment\.csv, line 8: date_submitted is"),
    ],
)
def test_oulad_names_the_file_and_the_line_that_is_broken(
    tmp_path: Path, name: str, old: str, new: str, output: str
) -> None:
    (tmp_path / "landing").mkdir()
    folder = small_oulad(tmp_path, name, old, new)
    with pytest.raises(SourceError, match=output):
        list(Oulad(folder).extract(tmp_path / "landing", AS_OF, EMPTY_WAREHOUSE))


def test_an_oulad_folder_that_can_t_be_read_is_the_source_s_fault(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"x: can't be read \(File name too long\)") as rejected:
        list(Oulad(tmp_path / ("x" * 300)).extract(tmp_path, AS_OF, EMPTY_WAREHOUSE))
    assert rejected.value.exit_code == 3
