"""`pathstats export`: CSV files and workbooks in which no value can become a formula."""

import csv
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
import xlsxwriter
from click.testing import Result
from typer.testing import CliRunner

from pathstats import export as export_module
from pathstats.cli.main import app
from schemas.home import PARQUET_TABLES
from tests.helpers.one_run import as_parquet, latest, run, small_world

# Characters that a spreadsheet skips before a formula don't protect from it.
FORMULAS = [
    *("=1+1", "+49 30", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠A1"),
    *(
        f"{skipped}=1+1"
        for skipped in (" ", "\u00a0", "\ufeff", "\v", "\f", "\u3000", "\u2028", "\u200b", "\x1f ")
    ),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names that a spreadsheet takes for formulas, quotes, line breaks, and a row too long for a cell."""
    place = tmp_path_factory.mktemp("export")
    tables = small_world()
    user = tables["users"][0]
    names = [*FORMULAS, 'say "no",\nplease', "http://example.org", "12345", "  kept  ", ""]
    tables["users"] += [
        {**user, "user_id": f"x{n:02}", "first_name": name, "last_name": None} for n, name in enumerate(names)
    ]
    twice = {**tables["path_sessions"][0], "session_id": "long", "name": "y" * 40_000}
    tables["path_sessions"] += [twice, {**twice, "ends_at": None}]
    run(as_parquet(place / "in", tables), place / "home")
    return place / "home"


def export(home: Path, table: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["export", table, "--home", str(home), *options])


def test_csv_has_every_row_with_its_times_in_utc(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "stats.csv"
    done = export(home, "path_session_stats", "--to", str(file))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"Wrote 3 rows to {file}.\n"
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["user_id"] for row in rows] == ["u1", "u2", "u3"]
    assert rows[1]["completed_at"] == "2026-03-07T00:00:00.000000Z"
    assert rows[0]["completed_at"] == ""
    assert rows[0]["is_current"] == "true"


@pytest.mark.parametrize(("options", "guard"), [((), "'"), (("--raw",), "")])
def test_no_text_is_a_formula_in_csv_unless_it_is_for_programs(
    home: Path, tmp_path: Path, options: tuple[str, ...], guard: str
) -> None:
    file = tmp_path / "users.csv"
    assert export(home, "users", "--to", str(file), *options).exit_code == 0
    with file.open(newline="", encoding="utf-8") as lines:
        names = [row["first_name"] for row in csv.DictReader(lines) if row["user_id"].startswith("x")]
    assert names[: len(FORMULAS)] == [guard + text for text in FORMULAS]
    assert names[len(FORMULAS) :] == ['say "no",\nplease', "http://example.org", "12345", "  kept  ", ""]


def cells(file: Path, sheet: int = 1) -> list[list[tuple[str, str]]]:
    """Each cell's type and content as Excel's own format has them; missing cells are left out."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(file) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    found = []
    for row in tree.findall(".//x:row", space):
        found.append(
            [
                (cell.get("t", "n"), "".join(cell.itertext()))
                for cell in row.findall("x:c", space)
                if "".join(cell.itertext())
            ]
        )
        assert row.find(".//x:f", space) is None
    return found


def test_a_workbook_has_numbers_times_and_texts_as_what_they_are(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "stats.xlsx"
    done = export(home, "path_session_stats", "--to", str(file))
    assert (done.exit_code, done.stdout) == (0, f"Wrote 3 rows to {file}.\n")
    header, *rows = cells(file)
    columns = [name for _, name in header]
    assert columns == pl.read_parquet_schema(latest(home).table("path_session_stats")).names()
    by_name = dict(zip(columns[:6], rows[1][:6], strict=True))
    assert by_name["user_id"] == ("inlineStr", "u2")
    assert by_name["is_current"] == ("b", "1")
    assert by_name["progress"] == ("n", "100")
    days = next(float(text) for kind, text in rows[1] if kind == "n" and float(text) > 40_000)
    assert date(1899, 12, 30) + timedelta(days=days) == date(2026, 3, 7)  # As Excel counts them.
    meanings = cells(file, sheet=2)
    assert [name for _, name in meanings[0]] == ["column", "meaning", "unit", "empty means"]
    assert [row[0][1] for row in meanings[1:]] == columns


def test_a_formula_in_a_workbook_stays_a_text_when_its_cell_is_edited(home: Path, tmp_path: Path) -> None:
    """Excel reads a text again once its cell is edited, unless the cell's style is that of a quoted text."""
    file = tmp_path / "users.xlsx"
    assert export(home, "users", "--to", str(file)).exit_code == 0
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(file) as book:
        styles = ElementTree.fromstring(book.read("xl/styles.xml")).findall("x:cellXfs/x:xf", space)
        rows = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    quoted = {str(number) for number, style in enumerate(styles) if style.get("quotePrefix") == "1"}
    texts = {"".join(cell.itertext()): cell.get("s") in quoted for cell in rows.findall(".//x:c", space)}
    assert {text: texts[text] for text in ("=1+1", "\u00a0=1+1", "http://example.org", "u1")} == {
        "=1+1": True,
        "\u00a0=1+1": True,
        "http://example.org": False,
        "u1": False,
    }


def test_texts_stay_texts_in_a_workbook(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "users.xlsx"
    assert export(home, "users", "--format", "xlsx", "--to", str(file)).exit_code == 0
    texts = [content for row in cells(file) for kind, content in row if kind == "inlineStr"]
    # A workbook can't contain some control characters; xlsxwriter writes them as escapes.
    assert {text for text in FORMULAS if text.isprintable()} <= set(texts)
    assert {"http://example.org", "12345", "  kept  "} <= set(texts)
    with zipfile.ZipFile(file) as book:
        assert not [name for name in book.namelist() if "rels/sheet1" in name]


def test_text_too_long_for_a_cell_is_cut_with_a_warning(home: Path, tmp_path: Path) -> None:
    done = export(home, "quarantine", "--to", str(tmp_path / "q.xlsx"))
    assert done.exit_code == 0
    assert done.stderr == "2 texts were longer than a cell of Excel can be and end in ….\n"
    assert max(len(content) for row in cells(tmp_path / "q.xlsx") for _, content in row) == 32_767


@pytest.mark.parametrize("table", PARQUET_TABLES)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_every_table_goes_into_both(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, form: str
) -> None:
    """By default into a file of the table's name, here."""
    monkeypatch.chdir(tmp_path)
    done = export(home, table, "--format", form)
    rows = pl.read_parquet(latest(home).table(table)).height
    assert done.stdout == f"Wrote {rows:,} rows to {table}.{form}.\n"
    assert [file.name for file in tmp_path.iterdir()] == [f"{table}.{form}"]


def test_more_rows_than_a_sheet_has_are_rejected(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export_module._ROWS == 1_048_575
    monkeypatch.setattr(export_module, "_ROWS", 3)
    assert export(home, "path_session_stats", "--to", str(tmp_path / "fits.xlsx")).exit_code == 0
    monkeypatch.setattr(export_module, "_ROWS", 2)
    rejected = export(home, "path_session_stats", "--to", str(tmp_path / "more.xlsx"))
    assert rejected.exit_code == 2
    assert "has 3 rows, more than the 2 of an Excel sheet" in rejected.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["fits.xlsx"]


def test_export_without_its_extra_names_the_package_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    rejected = export(home, "users", "--to", str(tmp_path / "users.xlsx"))
    assert (rejected.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert re.fullmatch(r"pathstats: Workbooks need the extra `excel`: pip install .*\n", rejected.stderr)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_failed_export_leaves_the_file_as_it_was(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    file = tmp_path / f"users.{form}"
    file.write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "the disk")

    monkeypatch.setattr(Path, "replace", full)
    failed = export(home, "users", "--to", str(file))
    assert (failed.exit_code, failed.stderr) == (
        1,
        f"pathstats: {file} can't be written (No space left on device); "
        "make room there or name another file.\n",
    )
    assert (file.read_text(), len(list(tmp_path.iterdir()))) == ("before", 1)


def test_unknown_table_is_reported(home: Path) -> None:
    rejected = export(home, "manifest")
    assert (rejected.exit_code, rejected.stdout) == (4, "")
    assert "Unknown table 'manifest'; the release contains path_session_stats, " in rejected.stderr


@pytest.mark.parametrize("name", ["x.pdf", "x.csv.gz", "x.parquet", "x.XLS"])
def test_a_format_that_it_does_not_write_is_rejected(home: Path, tmp_path: Path, name: str) -> None:
    rejected = export(home, "users", "--to", str(tmp_path / name))
    assert (rejected.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "`export` writes .csv and .xlsx" in rejected.stderr


def test_a_format_that_is_named_wins(home: Path, tmp_path: Path) -> None:
    assert export(home, "users", "--to", str(tmp_path / "x.txt"), "--format", "csv").exit_code == 0
    assert (tmp_path / "x.txt").read_text("utf-8").startswith("company_id,user_id,")
    assert export(home, "users", "--to", str(tmp_path / "X.XLSX")).exit_code == 0
    assert zipfile.is_zipfile(tmp_path / "X.XLSX")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_full_disk_is_one_sentence(home: Path, form: str) -> None:
    failed = export(home, "users", "--to", "/dev/full", "--format", form)
    assert (failed.exit_code, failed.stdout) == (1, "")
    words = "/dev/full can't be written (No space left on device); make room there or name another file."
    assert failed.stderr == f"pathstats: {words}\n"
    assert Path("/dev/full").is_char_device()  # And not replaced by a file.


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_disk_that_fills_up_meanwhile_is_one_sentence_and_nothing_is_left(
    home: Path, tmp_path: Path, form: str
) -> None:
    """In a process of its own, for which no file may grow beyond 3,000 bytes."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
    code += "from pathstats.cli.main import main; main()"
    (tmp_path / "shared").mkdir()
    command = ["export", "quarantine", "--to", str(tmp_path / f"q.{form}"), "--home", str(home)]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "shared"), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    words = f"{tmp_path}/q.{form} can't be written (File too large); make room there or name another file."
    assert (done.returncode, done.stderr) == (1, f"pathstats: {words}\n")
    assert [file.name for file in tmp_path.rglob("*")] == ["shared"]


def test_temporary_files_are_in_a_private_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")  # No room in the shared folder, and no need of it.
    monkeypatch.setattr(tempfile, "tempdir", None)
    seen: list[tuple[Path, int, int]] = []
    close = xlsxwriter.Workbook.close

    def looked_at(book: xlsxwriter.Workbook) -> None:
        (folder,) = [it for it in tmp_path.iterdir() if it.is_dir()]
        seen.append((folder, stat.S_IMODE(folder.stat().st_mode), len(list(folder.iterdir()))))
        close(book)

    monkeypatch.setattr(xlsxwriter.Workbook, "close", looked_at)
    assert export(home, "users", "--to", str(tmp_path / "users.xlsx")).exit_code == 0
    ((folder, mode, files),) = seen
    assert (mode, files) == (0o700, 2)  # A file of rows for each sheet.
    assert not folder.exists()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("damage", [b"x" * 10_000, None], ids=["all of it", "its pages"])
def test_a_damaged_table_is_the_release_s_fault(
    home: Path, tmp_path: Path, form: str, damage: bytes | None
) -> None:
    place = shutil.copytree(home, tmp_path / "home", symlinks=True)
    file = latest(place).table("users")
    content = file.read_bytes()
    file.write_bytes(damage or bytes(100) + content[100:])
    failed = export(place, "users", "--to", str(tmp_path / f"users.{form}"))
    assert (failed.exit_code, "`pathstats verify` names it" in failed.stderr) == (7, True)
    assert len(failed.stderr.splitlines()) == 1


def test_an_export_that_is_ended_leaves_nothing(home: Path, tmp_path: Path) -> None:
    """As a service manager or a shutdown ends it, with rows in its temporary files."""
    code = """
import time
from pathstats import export
from pathstats.cli.main import main
def written_and_waiting(*_):
    print("writing", flush=True)
    time.sleep(60)
export._write_meanings = written_and_waiting
main()
"""
    file = tmp_path / "users.xlsx"
    command = [sys.executable, "-c", code, "export", "users", "--to", str(file), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert list(tmp_path.iterdir())
        process.terminate()
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (143, "")
    assert list(tmp_path.iterdir()) == []


def test_closed_stdout_is_not_an_error(home: Path) -> None:
    pathstats = f"{Path(sys.executable).with_name('pathstats')} export quarantine --home {home}"
    done = subprocess.run(
        ["bash", "-c", f"{pathstats} --to /dev/stdout | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
