"""Convert the Open University Learning Analytics Dataset to the six input tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import Connection, identifier, quoted
from flows.files.file_scan import ROW_IN_FILE, scan, unreadable
from flows.files.text_lines import line_of_record
from flows.sources.base import Extract, WarehouseState
from schemas.errors import SourceError

_COMPANY = pl.lit("open-university").alias("company_id")
_PRESENTATION = pl.concat_str("code_module", "code_presentation", separator="-")
_PASS_MARK = 40
_ANY, _PERIOD, _ID = r"(?s).*", r"\d{4}[BJ]", r"\d{1,9}"
_DAY, _NUMBER = r"-?\d{1,6}", r"\d{1,6}(\.\d*)?"
# The columns that are read from each official file, with a pattern for values that this source computes with.
_OFFICIAL = {
    "courses": {"code_module": _ANY, "code_presentation": _PERIOD, "module_presentation_length": _DAY},
    "assessments": {
        "code_module": _ANY,
        "code_presentation": _PERIOD,
        "id_assessment": _ID,
        "assessment_type": _ANY,
        "date": _NUMBER,
        "weight": _NUMBER,
    },
    "studentInfo": {"id_student": _ANY},
    "studentRegistration": {
        "code_module": _ANY,
        "code_presentation": _PERIOD,
        "id_student": _ANY,
        "date_registration": _DAY,
        "date_unregistration": _DAY,
    },
    "studentAssessment": {
        "id_assessment": _ID,
        "id_student": _ANY,
        "date_submitted": _DAY,
        "is_banked": "[01]",
        "score": _ANY,
    },
}


@dataclass(frozen=True)
class Oulad:
    """A source with the official CSV files in one folder; `studentVle.csv` is not needed."""

    folder: Path

    def extract(self, landing: Path, as_of: datetime, state: WarehouseState) -> Iterator[Extract]:
        tables: dict[str, Callable[[], pl.LazyFrame]] = {
            "users": self._users,
            "paths": self._paths,
            "path_steps": self._path_steps,
            "path_sessions": self._path_sessions,
            "enrollments": self._enrollments,
            "step_activity": self._step_activity,
        }
        try:
            with Connection() as connection:
                for name, columns in _OFFICIAL.items():
                    _check(connection, self._file(name), columns)
            taken = datetime.fromtimestamp(self._file("courses").stat().st_mtime, UTC)
        except OSError as error:
            raise SourceError(f"{self.folder}: can't be read ({error.strerror}).") from error
        for table, rows in tables.items():
            file = landing / f"{table}.parquet"
            try:
                rows().sink_parquet(file)
            except pl.exceptions.PolarsError as error:
                raise SourceError(
                    f"{self.folder}: the OULAD files for table {table} differ from the published ones "
                    f"({type(error).__name__}); compare their columns and numbers."
                ) from error
            yield Extract(table, file, taken)

    def _file(self, name: str) -> Path:
        file = self.folder / f"{name}.csv"
        if not file.is_file():
            raise SourceError(
                f"{file}: the file does not exist; give the folder of OULAD's official CSV files."
            )
        return file

    def _csv(self, name: str) -> pl.LazyFrame:
        return pl.scan_csv(self._file(name), infer_schema=False, null_values=["", "?"])

    def _users(self) -> pl.LazyFrame:
        return (
            self._csv("studentInfo")
            .select(_COMPANY, user_id="id_student", status=pl.lit("active"))
            .unique(maintain_order=True)
        )

    def _paths(self) -> pl.LazyFrame:
        return self._csv("courses").select(
            _COMPANY, path_id=_PRESENTATION, name=_PRESENTATION, mandatory_replay=pl.lit(False)
        )

    def _path_sessions(self) -> pl.LazyFrame:
        length = pl.col("module_presentation_length")
        return self._csv("courses").select(
            _COMPANY,
            session_id=_PRESENTATION,
            path_id=_PRESENTATION,
            name=_PRESENTATION,
            starts_at=_starts_at(),
            ends_at=_starts_at() + _days(length),
        )

    def _assessments(self) -> pl.LazyFrame:
        """The assessments with at least one submission."""
        handed_in = self._csv("studentAssessment").select("id_assessment").unique()
        return self._csv("assessments").join(handed_in, on="id_assessment", how="semi")

    def _path_steps(self) -> pl.LazyFrame:
        is_exam = pl.col("assessment_type") == "Exam"
        date, weight = pl.col("date").cast(pl.Float64), pl.col("weight").cast(pl.Float64)
        weighs_nothing = (weight == 0) & (weight.filter(~is_exam).max().over("path_id") > 0)
        return (
            self._assessments()
            .with_columns(path_id=_PRESENTATION)
            .sort("path_id", date, pl.col("id_assessment").cast(pl.Int64), nulls_last=True)
            .select(
                _COMPANY,
                path_id="path_id",
                step_id="id_assessment",
                position=pl.int_range(pl.len(), dtype=pl.Int32).over("path_id"),
                type=pl.when(is_exam).then(pl.lit("assessment")).otherwise(pl.lit("course")),
                optional=~is_exam & weighs_nothing,
                due_basis=pl.when(~is_exam & date.is_not_null()).then(pl.lit("sessionStart")),
                due_unit=pl.when(~is_exam & date.is_not_null()).then(pl.lit("day")),
                due_value=pl.when(~is_exam).then(date),
                min_score=pl.lit(_PASS_MARK, pl.Int32),
                attempts_limit=pl.when(~is_exam).then(pl.lit(1, pl.Int32)),
                is_examination=is_exam,
            )
        )

    def _enrollments(self) -> pl.LazyFrame:
        registered = pl.col("date_registration").fill_null("0")
        return self._csv("studentRegistration").select(
            _COMPANY,
            enrollment_id=pl.concat_str("code_module", "code_presentation", "id_student", separator="-"),
            session_id=_PRESENTATION,
            user_id="id_student",
            enrolled_at=_starts_at() + _days(registered),
            archived_at=_starts_at() + _days(pl.col("date_unregistration")),
        )

    def _step_activity(self) -> pl.LazyFrame:
        submitted = _starts_at() + _days(pl.col("date_submitted"))
        return (
            self._csv("studentAssessment")
            .join(self._csv("assessments"), on="id_assessment", maintain_order="left")
            .select(
                _COMPANY,
                activity_id=pl.concat_str("id_assessment", "id_student", separator="-"),
                user_id="id_student",
                step_id="id_assessment",
                session_id=pl.when(pl.col("is_banked") != "1").then(_PRESENTATION),
                started_at=submitted,
                last_activity_at=submitted,
                completed_at=submitted,
                progress=pl.lit(100, pl.Int32),
                score="score",
                time_spent_ms=pl.lit(0, pl.Int64),
            )
        )


def _check(connection: Connection, file: Path, columns: dict[str, str]) -> None:
    """Raise SourceError if the file differs from the official form, with the line if possible.

    Scores are not checked here but by the contract of `step_activity`.
    """
    found = scan(connection, file, list(columns))
    absent = [name for name in columns if name not in found.types]
    if absent:
        raise SourceError(f"{file}: OULAD's column {', '.join(absent)} is missing.")
    first_odd = ", ".join(
        f"min({identifier(ROW_IN_FILE)}) FILTER "
        f"(NOT regexp_full_match(nullif({identifier(name)}, '?'), {quoted(form)}))"
        for name, form in columns.items()
    )
    try:
        firsts = connection.rows(f"SELECT {first_odd} FROM {found.numbered}")[0]
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    for name, row in zip(columns, firsts, strict=True):
        if row is not None:
            line = line_of_record(file, row + 1)
            raise SourceError(f"{file}, line {line}: {name} is not in OULAD's format. Correct the line.")


def _starts_at() -> pl.Expr:
    """1 February (B) or 1 October (J) of the presentation's year, 00:00 UTC."""
    year = pl.col("code_presentation").str.head(4).cast(pl.Int32)
    month = pl.col("code_presentation").str.slice(4).replace_strict({"B": 2, "J": 10}, return_dtype=pl.Int8)
    return pl.datetime(year, month, 1, time_unit="us", time_zone="UTC")


def _days(days: pl.Expr) -> pl.Expr:
    return pl.duration(days=days.cast(pl.Int64), time_unit="us")
