"""The contract of a table as SQL: each column typed, or its row rejected with the reason.

This module only builds SQL text; `load` executes it.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from flows.database.connection import identifier, quoted
from flows.files.file_scan import ROW_IN_FILE, Scan
from flows.staging import quoted_values
from schemas.columns import Table, facts, key
from schemas.enums import REJECTION_REASONS
from schemas.inputs import PathSteps

DUCKDB_TYPES = {
    "String": "VARCHAR",
    "Int32": "INTEGER",
    "Int64": "BIGINT",
    "Float64": "DOUBLE",
    "Boolean": "BOOLEAN",
    "Datetime(time_unit='us', time_zone='UTC')": "TIMESTAMPTZ",
}
# The columns that the check adds, until rejected rows are in quarantine.
ADDED_BY_THE_CHECK = {
    "rejection": "STRUCT(problem VARCHAR, key VARCHAR, row VARCHAR)",
    "row_in_file": "UINTEGER",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_TEXTS = ("VARCHAR", "UUID")
_NAIVE_TIMES = ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE")
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
# On which side the nearest value with the kept decimals can be wrong, and how it is corrected.
_ROUNDING = {"down": (">", "-"), "up": ("<", "+")}
# ISO 8601 with its basic form, lowercase letters as in RFC 3339, and the space of BigQuery and Snowflake.
_ZONE = r"([Zz]| ?[+-]([01]\d|2[0-3])(:?[0-5]\d)?| UTC)"
_CLOCK = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?"
_BASIC = r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})([.,]\d+)?"


class Problem(NamedTuple):
    """A fault of a row.

    test:  the SQL condition.
    words: what is wrong. shown: the SQL text that is added to them: the offending value.
    """

    reason: str
    test: str
    words: str
    shown: str = "''"


@dataclass(frozen=True)
class Column:
    """A column of the contract, and the file's column for it.

    found: the DuckDB type in the file; None if the file has no such column.
    found_name: the name to show, where it is clearer.
    """

    name: str
    kind: str
    required: bool
    bounds: dict[str, Any]
    found: str | None
    found_name: str | None = None

    @property
    def raw(self) -> str:
        return f"src.{identifier(self.name)}"

    @property
    def text(self) -> str:
        """The value as text; an empty text is a missing value."""
        if self.found == "JSON":
            return f"nullif({self.raw} ->> '$', '')"
        # Parquet's binary type without annotation; bytes that are not UTF-8 have no text.
        as_text = f"TRY(decode({self.raw}))" if self.found == "BLOB" else f"CAST({self.raw} AS VARCHAR)"
        return f"nullif({as_text}, '')"

    @property
    def shown(self) -> str:
        """SQL text: the value as it is quoted in `detail`, with its type where that is not text."""
        if self.name in quoted_values.PERSONAL or self.found is None:
            return "''"
        if self.found == "JSON":
            return quoted_values.as_given(self.raw)
        if self.found == "BLOB":
            return "', BINARY'"
        if self.found in _TEXTS or self.found.startswith("ENUM"):
            return quoted_values.as_text(self.text)
        kind = quoted(f", {self.found_name or self.found}")
        return f"{quoted_values.as_given(self.raw)} || {kind}"

    @property
    def typed(self) -> str:
        """The value in its type, null if it can't be converted."""
        if self.found is None:
            return f"CAST(NULL AS {self.kind})"
        if "rounded" in self.bounds:
            return self._typed_rounded()
        if self.found == self.kind and self.kind != "VARCHAR":
            return self.raw
        if self.kind == "VARCHAR":
            return self._typed_text()
        if self._may_be_blank:
            return self._typed_from_text()
        if self.kind in ("INTEGER", "BIGINT"):
            return self._typed_integer()
        if self.kind == "DOUBLE" and self._is_number():
            return f"CAST({self.raw} AS DOUBLE)"
        if self.kind == "TIMESTAMPTZ" and self.found == "TIMESTAMP_TZ":
            return self.raw
        return f"CAST(NULL AS {self.kind})"

    def _is_number(self) -> bool:
        return self.found in (*_INTEGERS, "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE") or (
            self.found or ""
        ).startswith("DECIMAL")

    def _typed_rounded(self) -> str:
        """A number rounded to the decimals that are kept; one out of range stays out of range.

        A double is rounded to 17 digits already, so text is shortened first: 79.99999999999999999 is not 80.
        A FLOAT is read as it is printed: widened to a double, 85.7 would be 85.69999694824219.
        """
        decimals = self.bounds.get("decimals", 0)
        if self._may_be_blank or self.found == "FLOAT" or (self.found or "").startswith("DECIMAL"):
            is_short = rf"regexp_full_match({self.text}, '\d+(\.\d{{0,{decimals}}})?')"
            beyond = rf"(\.\d{{{decimals}}})0*[1-9]\d*$"
            shortened = f"regexp_replace({self.text}, {quoted(beyond)}, '\\15')"
            rounded = self._rounded(_double(shortened), decimals)
            return f"CASE WHEN {is_short} THEN TRY_CAST({self.text} AS DOUBLE) ELSE {rounded} END"
        return self._rounded(f"CAST({self.raw} AS DOUBLE)", decimals) if self._is_number() else "NULL::DOUBLE"

    def _rounded(self, number: str, decimals: int) -> str:
        scale, (too_far, step) = 10**decimals, _ROUNDING[self.bounds["rounded"]]
        nearest = f"round({number} * {scale})"
        rounded = f"({nearest} {step} CAST({nearest} / {scale} {too_far} {number} AS INTEGER)) / {scale}"
        least, greatest = self.bounds["ge"], self.bounds["le"]
        return f"{rounded} + CAST({number} > {greatest} AS INTEGER) - CAST({number} < {least} AS INTEGER)"

    def _typed_text(self) -> str:
        if self.found == "JSON":
            plain = f"json_type({self.raw}) IN ('VARCHAR', 'BIGINT', 'UBIGINT')"
            return f"CASE WHEN {plain} THEN {self.text} END"
        if self.found in (*_TEXTS, "BLOB", *_INTEGERS, "UBIGINT", "HUGEINT"):
            return self.text
        if (self.found or "").startswith("ENUM"):
            return self.text
        if self._is_number():
            # Whole numbers that a database or pandas stores as floats; beyond the limit they were rounded.
            exact = {"DOUBLE": f" AND abs({self.raw}) < {2**53}", "FLOAT": f" AND abs({self.raw}) < {2**24}"}
            is_whole = f"{self.raw} = trunc({self.raw}){exact.get(self.found or '', '')}"
            return f"CASE WHEN {is_whole} THEN CAST(TRY_CAST({self.raw} AS HUGEINT) AS VARCHAR) END"
        return "CAST(NULL AS VARCHAR)"

    def _typed_integer(self) -> str:
        if self.found in _INTEGERS:
            return self.raw
        if self._is_number():
            is_whole = f"{self.raw} = trunc({self.raw})"
            if self.found in ("FLOAT", "DOUBLE"):
                is_whole += f" AND isfinite({self.raw})"
            return f"CASE WHEN {is_whole} THEN {_bigint(self.raw)} END"
        return "CAST(NULL AS BIGINT)"

    def _typed_from_text(self) -> str:
        text = self.text
        if self.kind in ("INTEGER", "BIGINT"):
            whole = rf"regexp_full_match({text}, '[+-]?\d+(\.0*)?')"
            digits = _bigint(f"split_part({text}, '.', 1)")
            return f"CASE WHEN {whole} THEN {digits} END"
        if self.kind == "DOUBLE":
            return _double(text)
        if self.kind == "BOOLEAN":
            return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        zoned = f"regexp_full_match({text}, {quoted(f'({_CLOCK}|{_BASIC}){_ZONE}')})"
        return (
            f"CASE WHEN {zoned} THEN coalesce(TRY_CAST({text} AS TIMESTAMPTZ), "
            f"TRY_CAST({_as_duckdb_writes(text)} AS TIMESTAMPTZ)) END"
        )

    @property
    def value(self) -> str:
        return identifier(f"typed_{self.name}")

    def problems(self) -> list[Problem]:
        """All problems of the column alone."""
        name, shown, found = self.name, self.shown, list[Problem]()
        if self.required:
            found.append(Problem("missing_value", f"{self._given} IS NULL", f"{name} is missing"))
        if self.found is None:
            return found
        if self.found != self.kind:
            found += self._problems_of_type()
        if self.kind == "TIMESTAMPTZ":
            years = "TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
            words = f"{name} is not in the years 1 to 9999"
            found.append(Problem("out_of_range", f"{self.value} NOT BETWEEN {years}", words, shown))
        if self.kind == "VARCHAR":
            # No query, page or file can represent one.
            words = f"{name} contains a NUL character"
            found.append(Problem("bad_type", f"contains({self.value}, chr(0))", words, shown))
        if "isin" in self.bounds:
            allowed = ", ".join(quoted(value) for value in self.bounds["isin"])
            words = f"{name} is not one of {', '.join(self.bounds['isin'])}"
            found.append(Problem("bad_enum", f"{self.value} NOT IN ({allowed})", words, shown))
        if self.kind in ("INTEGER", "BIGINT", "DOUBLE"):
            words = f"{name} is not {self._range_words}"
            found.append(Problem("out_of_range", self._out_of_range, words, shown))
        return found

    def _problems_of_type(self) -> list[Problem]:
        name, untyped = self.name, f"{self._given} IS NOT NULL AND {self.value} IS NULL"
        if self.kind != "TIMESTAMPTZ":
            words = "a number" if "rounded" in self.bounds else _KIND_WORDS[self.kind]
            return [Problem("bad_type", untyped, f"{name} is not {words}", self.shown)]
        other = f"{untyped} AND NOT ({self._is_naive})"
        return [
            Problem("naive_time", self._is_naive, f"{name} has no time zone", self.shown),
            Problem("bad_type", other, f"{name} is not an ISO 8601 time", self.shown),
        ]

    @property
    def _given(self) -> str:
        if self.found == "BLOB":
            return f"nullif({self.raw}, ''::BLOB)"
        return "NULL" if self.found is None else self.text if self._may_be_blank else self.raw

    @property
    def _may_be_blank(self) -> bool:
        return self.found in ("JSON", "BLOB", *_TEXTS)

    @property
    def _is_naive(self) -> str:
        if self.found in _NAIVE_TIMES:
            return f"{self.raw} IS NOT NULL"
        if self._may_be_blank:
            day_or_clock = _CLOCK.replace(r"[Tt ]", r"([Tt ]", 1) + ")?"
            return f"coalesce(regexp_full_match({self.text}, {quoted(day_or_clock)}), false)"
        return "false"

    @property
    def _limits(self) -> tuple[float | None, float | None, float | None]:
        least, greatest = self.bounds.get("ge"), self.bounds.get("le")
        if greatest is None:
            # The greatest value of the type; of 64 bits the greatest that every JSON reader keeps exactly.
            greatest = {"INTEGER": 2**31 - 1, "BIGINT": 2**53 - 1}.get(self.kind)
        return least, self.bounds.get("gt"), greatest

    @property
    def _out_of_range(self) -> str:
        least, above, greatest = self._limits
        parts = [f"{self.value} < {least}"] if least is not None else []
        parts += [f"{self.value} <= {above}"] if above is not None else []
        parts += [f"{self.value} > {greatest}"] if greatest is not None else []
        parts += [f"NOT isfinite({self.value})"] if self.kind == "DOUBLE" else []
        return "(" + " OR ".join(parts) + ")"

    @property
    def _range_words(self) -> str:
        least, above, greatest = self._limits
        if above is not None:
            return f"a finite number greater than {above}"
        return f"between {least} and {greatest}"


def _double(text: str) -> str:
    """A number in decimal digits as DOUBLE, null for any other text."""
    return f"CASE WHEN regexp_full_match({text}, {quoted(_NUMBER)}) THEN TRY_CAST({text} AS DOUBLE) END"


def _as_duckdb_writes(text: str) -> str:
    """The time with seconds, a decimal point and capitals: DuckDB needs them, ISO 8601 does not."""
    plain = f"replace(upper({text}), ',', '.')"
    extended = rf"regexp_replace({plain}, '^{_BASIC}', '\1-\2-\3T\4:\5:\6\7')"
    joined = rf"regexp_replace({extended}, ' ([+-])', '\1')"
    return rf"regexp_replace({joined}, '^(.{{16}})([Z+-]| UTC)', '\1:00\2')"


def _bigint(whole: str) -> str:
    """A whole number as BIGINT; a larger one as the greatest BIGINT, which no column allows."""
    return f"coalesce(TRY_CAST({whole} AS BIGINT), {2**63 - 1})"


_KIND_WORDS = {
    "VARCHAR": "a text",
    "INTEGER": "a whole number",
    "BIGINT": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
}


def columns(
    model: type[Table], found: dict[str, str], found_names: dict[str, str] | None = None
) -> list[Column]:
    """The model's columns, each with the file's column for it.

    found: the DuckDB type of each column in the file. found_names: as in `file_scan.Scan.found`.
    """
    return [
        Column(
            name,
            DUCKDB_TYPES[str(declared.dtype)],
            required=not declared.nullable and "default" not in (declared.metadata or {}),
            bounds=declared.metadata or {},
            found=_normal_type(found.get(name)),
            found_name=(found_names or {}).get(name),
        )
        for name, declared in model.to_schema().columns.items()
    ]


def _normal_type(found: str | None) -> str | None:
    return "TIMESTAMPTZ" if found == "TIMESTAMP WITH TIME ZONE" else found


def problem(model: type[Table], checked: list[Column]) -> str:
    """An SQL CASE: `reason:detail` of the first fault of a row, null for a valid one."""
    found = [problem for column in checked for problem in column.problems()]
    by_name = {column.name: column for column in checked}
    for before, relation, after in facts(model).get("order", []):
        first, second = by_name[before].value, by_name[after].value
        wrong = "before" if relation == "<=" else "not after"
        both = f"': ' || CAST({second} AS VARCHAR) || ' and ' || CAST({first} AS VARCHAR)"
        test, words = f"NOT ({first} {relation} {second})", f"{after} is {wrong} {before}"
        found.append(Problem("time_order", test, words, both))
    if model is PathSteps:
        found += _due_date_problems()
    found.sort(key=lambda item: REJECTION_REASONS.index(item.reason))
    whens = " ".join(f"WHEN {it.test} THEN {quoted(f'{it.reason}:{it.words}')} || {it.shown}" for it in found)
    return f"CASE {whens} END"


def _due_date_problems() -> list[Problem]:
    """At most one due date: `absolute` needs due_at, the other bases due_unit and due_value.

    A step with the default basis, enrollment, and neither of the two has no due date.
    """
    basis = "coalesce(typed_due_basis, 'enrollment')"
    unit, value, at = "typed_due_unit IS NULL", "typed_due_value IS NULL", "typed_due_at IS NULL"
    return [
        Problem("bad_due_date", f"{basis} = 'absolute' AND {at}", "due_basis absolute needs due_at"),
        Problem(
            "bad_due_date",
            f"{basis} = 'absolute' AND NOT ({unit} AND {value})",
            "due_basis absolute takes no due_unit and due_value",
        ),
        Problem(
            "bad_due_date",
            f"{basis} <> 'absolute' AND NOT ({at})",
            "due_at needs due_basis absolute",
        ),
        Problem("bad_due_date", f"({unit}) <> ({value})", "due_unit and due_value need each other"),
        Problem(
            "bad_due_date",
            f"{basis} = 'sessionStart' AND {unit}",
            "due_basis sessionStart needs due_unit and due_value",
        ),
    ]


def checked_select(model: type[Table], found: Scan, checked: list[Column]) -> str:
    """The file's rows typed, with `row_in_file` and `rejection`, null for a sound row (see `rejection`)."""
    typed = ",\n  ".join(f"{column.typed} AS {column.value}" for column in checked)
    values = ", ".join(f"{_with_default(column)} AS {identifier(column.name)}" for column in checked)
    whole = ", ".join(f"{quoted(name)}: src.{identifier(name)}" for name in found.types)
    inner = (
        f"SELECT {typed},\n  {problem(model, checked)} AS problem,\n"
        f"  CASE WHEN problem IS NOT NULL THEN to_json({{{whole}}}) END AS whole,\n"
        f"  src.{identifier(ROW_IN_FILE)} AS row_in_file\n"
        f"FROM {found.numbered} AS src"
    )
    rejected = rejection("problem", key_text(model, "typed_"), "whole")
    return (
        f"SELECT {values}, CASE WHEN problem IS NOT NULL THEN {rejected} END AS rejection, row_in_file\n"
        f"FROM ({inner})"
    )


def rejection(problem: str, key: str, row: str) -> str:
    """A struct: why a row is rejected (`reason:detail`), its key and the whole row as JSON."""
    return f"{{'problem': {problem}, 'key': {key}, 'row': CAST({row} AS VARCHAR)}}"


def _with_default(column: Column) -> str:
    value = f"TRY_CAST({column.value} AS {column.kind})" if column.kind == "INTEGER" else column.value
    default = column.bounds.get("default")
    if default is None:
        return value
    literal = quoted(default) if isinstance(default, str) else str(default).lower()
    return f"coalesce({value}, {literal})"


def key_text(model: type[Table], prefix: str = "") -> str:
    """The values of the key, joined by `/`; a missing one leaves its place empty; null if all are missing.

    A column that may be null stands last in its key and is left out where it is.
    prefix: what the columns' names begin with.
    """
    declared = model.to_schema().columns
    required = [name for name in key(model) if not declared[name].nullable]
    texts = [
        f"coalesce(CAST({identifier(prefix + name)} AS VARCHAR), '')"
        if name in required
        else f"CAST({identifier(prefix + name)} AS VARCHAR)"
        for name in key(model)
    ]
    return f"nullif(concat_ws('/', {', '.join(texts)}), {quoted('/' * (len(required) - 1))})"
