"""Reduce input tables to the part that version 2 of the API can express.

Each function documents which rows it drops and which values it changes. A run on the reduced tables and a run
on the sandbox's responses publish the same statistics; tests/round_trip checks that.
"""

import hashlib
from datetime import datetime

import polars as pl

from sandbox.valid_tables import Tables
from schemas.enums import MESSAGE_STEP_TYPES

_IDS = (
    "user_id",
    "path_id",
    "step_id",
    "waived_step_id",
    "session_id",
    "root_session_id",
    "enrollment_id",
    "activity_id",
    "group_id",
    "parent_group_id",
)
_HEX = r"^[0-9a-f]{24}$"
# The key of a registration: a learner and a slot.
_REGISTRATION = ("user_id", "step_id", "started_at", "completed_at")
# The bounds of a relative date in the API.
_MIN_DUE, _MAX_DUE = 0.01, 1000
_MAX_STEPS = 300


def expressible(tables: Tables, now: datetime) -> Tables:
    """The tables as the platform has them at `now`."""
    tables = _as_the_platform_writes(tables)
    paths, sessions = tables["paths"], tables["path_sessions"]
    enrollments = _enrollments(tables["enrollments"], paths, sessions, now)
    steps = _path_steps(tables, now)
    waivers = _waivers(tables["waivers"], steps, now)
    steps = _with_quizzes(steps, waivers)
    return tables | {
        "paths": paths.with_columns(_named(), pl.col("linear_progression").fill_null(False)),
        "path_steps": steps,
        "path_sessions": sessions.with_columns(_named(), pl.col("restarts_on_reenrollment").fill_null(False)),
        "enrollments": enrollments,
        "step_activity": _step_activity(tables["step_activity"], steps, sessions, enrollments),
        "waivers": waivers,
        "child_sessions": tables["child_sessions"].join(sessions, on="session_id", how="semi"),
    }


def _named(column: str = "name") -> pl.Expr:
    """The name, null if it is empty."""
    return pl.when(pl.col(column) != "").then(column).alias(column)


def unlisted_activity(tables: Tables, now: datetime) -> pl.DataFrame:
    """The activity that the platform knows but lists nowhere: results of programs."""
    tables = _as_the_platform_writes(tables)
    known = tables["step_activity"].join(kinds(_path_steps(tables, now)), on="step_id")
    return known.filter(pl.col("type") == "program").select(tables["step_activity"].columns)


def _as_the_platform_writes(tables: Tables) -> Tables:
    return {name: _with_platform_ids(_in_milliseconds(rows)) for name, rows in tables.items()}


def _in_milliseconds(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with times truncated to milliseconds, as the API writes them."""
    return rows.with_columns(pl.col(pl.Datetime).dt.truncate("1ms"))


def _with_platform_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with each id that isn't 24 hexadecimal digits replaced by its hash, in all tables alike."""
    for name in (name for name in _IDS if name in rows.columns):
        ids = rows[name].unique().drop_nulls()
        foreign = ids.filter(~ids.str.contains(_HEX)).to_list()
        rows = rows.with_columns(pl.col(name).replace(foreign, [platform_id(it) for it in foreign]))
    return rows


def platform_id(text: str) -> str:
    """24 hexadecimal digits derived from the text.

    >>> len(platform_id("S1")), platform_id("S1") == platform_id("S1")
    (24, True)
    """
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _enrollments(
    enrollments: pl.DataFrame, paths: pl.DataFrame, sessions: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """The enrollments without future ones, and without unenrollments that are still in the future.

    The API lists enrollments by path, so those on an unknown path are dropped.
    """
    listed = sessions.join(paths, on="path_id", how="semi")
    return (
        enrollments.filter(pl.col("enrolled_at") <= now)
        .join(listed, on="session_id", how="semi")
        .with_columns(archived_at=pl.when(pl.col("archived_at") <= now).then("archived_at"))
    )


def _path_steps(tables: Tables, now: datetime) -> pl.DataFrame:
    """The present step definitions for all learners, without settings that a step's `options` can't express.

    The API lists steps with their path, so the path must be known; a path has at most 300 steps. Due dates
    are neither absolute nor relative to the session's start. Assessments are required and have no due date.
    Only courses and assessments have a minimum score, and only courses have limits. A course is SCORM on all
    paths or on none.
    """
    kind = pl.col("type")
    is_course, is_assessment = kind == "course", kind == "assessment"
    is_message = kind.is_in(MESSAGE_STEP_TYPES)
    is_due = (
        (pl.col("due_basis").fill_null("enrollment") == "enrollment")
        & pl.col("due_value").is_between(_MIN_DUE, _MAX_DUE)
        & pl.col("due_unit").is_not_null()
        & ~(is_assessment | is_message)
    )
    is_limited = is_course & pl.col("time_limit_mode").is_not_null() & pl.col("time_limit_s").is_not_null()
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    steps = (
        tables["path_steps"]
        .join(tables["paths"], on="path_id", how="semi")
        .filter(_holds(now))
        .sort("valid_from", nulls_last=False)
        .unique(["path_id", "step_id"], keep="last", maintain_order=True)
        .sort("path_id", "position", "step_id")
        .with_columns(
            position=pl.int_range(pl.len()).over("path_id").cast(pl.Int32),
            optional=pl.col("optional") & ~is_assessment & ~is_message,
            due_basis=pl.when(is_due).then(pl.lit("enrollment")),
            due_unit=pl.when(is_due).then("due_unit"),
            due_value=pl.when(is_due).then("due_value"),
            due_at=never,
            min_score=pl.when(is_course | is_assessment).then("min_score"),
            attempts_limit=pl.when(is_course).then("attempts_limit"),
            time_limit_mode=pl.when(is_limited).then("time_limit_mode"),
            time_limit_s=pl.when(is_limited).then("time_limit_s"),
            is_examination=pl.col("is_examination").fill_null(False) & is_assessment,
            valid_from=never,
            valid_to=never,
        )
        .filter(pl.col("position") < _MAX_STEPS)
    )
    return _with_resources(steps, tables["paths"])


def _with_resources(steps: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    """The steps with the title and type of their course, classroom or path, the same on all paths.

    Assessments, programs and messages have no title.
    """
    resources = kinds(steps).filter(pl.col("type").is_in(["course", "classroom"]))
    named = paths.select(title=_named(), step_id="path_id").with_columns(
        type=pl.lit("path"), is_scorm=pl.lit(False)
    )
    columns = ["type", "step_id", "title", "is_scorm"]
    known = pl.concat([resources.select(columns), named.select(columns)])
    is_scorm = pl.col("is_scorm").fill_null(False) & (pl.col("type") == "course")
    return (
        steps.drop("title", "is_scorm")
        .join(known, on=["type", "step_id"], how="left", maintain_order="left")
        .with_columns(_named("title"), is_scorm=is_scorm)
        .select(steps.columns)
    )


def _holds(now: datetime) -> pl.Expr:
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= now)
    return begun & (pl.col("valid_to").is_null() | (pl.col("valid_to") > now))


def _waivers(waivers: pl.DataFrame, steps: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The present waivers by positioning quizzes among a path's courses."""
    quizzes = steps.filter(pl.col("type") == "course").select("path_id", "step_id")
    waived = steps.select("path_id", waived_step_id="step_id")
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    return (
        waivers.filter(_holds(now))
        .join(quizzes, on=["path_id", "step_id"], how="semi")
        .join(waived, on=["path_id", "waived_step_id"], how="semi")
        .with_columns(valid_from=never, valid_to=never)
        .unique(["path_id", "step_id", "threshold", "waived_step_id"])
    )


def _with_quizzes(steps: pl.DataFrame, waivers: pl.DataFrame) -> pl.DataFrame:
    """The steps with one attempt and no minimum score for each positioning quiz."""
    quizzes = waivers.select("path_id", "step_id").unique().with_columns(is_quiz=pl.lit(True))
    is_other = pl.col("is_quiz").is_null()
    once = pl.lit(1, steps.schema["attempts_limit"])
    return (
        steps.join(quizzes, on=["path_id", "step_id"], how="left", maintain_order="left")
        .with_columns(
            min_score=pl.when(is_other).then("min_score"),
            attempts_limit=pl.when(is_other).then("attempts_limit").otherwise(once),
        )
        .drop("is_quiz")
    )


def kinds(steps: pl.DataFrame) -> pl.DataFrame:
    """step_id, type, min_score, title and is_scorm of every step that is on a path at present."""
    known = steps.with_columns(
        title=pl.col("title").drop_nulls().first().over("step_id"),
        is_scorm=pl.col("is_scorm").any().over("step_id"),
    )
    first = known.sort("path_id", "position").unique("step_id", keep="first", maintain_order=True)
    return first.select("step_id", "type", "min_score", "title", "is_scorm")


def activity_of(tables: Tables, kind: str) -> pl.DataFrame:
    """The activity on steps of one type, with the columns of `kinds`; a step of no path is a course."""
    known = tables["step_activity"].join(kinds(tables["path_steps"]), on="step_id", how="left")
    return known.filter(pl.col("type").fill_null("course") == kind)


def names_its_session() -> pl.Expr:
    """Whether a slot names its path session; other slots belong to a program or to nothing."""
    return pl.col("session_id").is_not_null() & (pl.concat_str("step_id", "session_id").hash(0) % 4 != 0)


def _step_activity(
    activity: pl.DataFrame, steps: pl.DataFrame, sessions: pl.DataFrame, enrollments: pl.DataFrame
) -> pl.DataFrame:
    """Attempts at courses, attendances and corrections, without activity on sub-paths, programs and messages.

    A step of no path counts as a course. Course scores are whole numbers, and only corrections name their
    enrollment.
    """
    columns = activity.columns
    known = activity.join(kinds(steps), on="step_id", how="left")
    kind, no_enrollment = pl.col("type").fill_null("course"), pl.lit(None, pl.String)
    return pl.concat(
        part.select(columns)
        for part in (
            known.filter(kind == "course").with_columns(
                passed=pl.lit(None, pl.Boolean), score=pl.col("score").floor(), enrollment_id=no_enrollment
            ),
            _attendances(known.filter(kind == "classroom"), sessions, enrollments).with_columns(
                enrollment_id=no_enrollment
            ),
            _corrections(known.filter(kind == "assessment")),
        )
    )


def _attendances(attended: pl.DataFrame, sessions: pl.DataFrame, enrollments: pl.DataFrame) -> pl.DataFrame:
    """One registration per learner and slot, from the slot's start to its end.

    If the slot does not name its session, the attendance belongs to the learner's newest enrollment in that
    path that was active at the slot's start, or to no session if there is none.
    """
    path_of = sessions.select("session_id", "path_id")
    one_each = (
        attended.filter(pl.col("completed_at").is_not_null())
        .join(path_of, on="session_id", how="left")
        .sort("activity_id")
        .with_columns(slot=pl.when(names_its_session()).then("session_id"))
        .unique([*_REGISTRATION, "slot"], keep="first", maintain_order=True)
    )
    enrolled = enrollments.join(path_of, on="session_id").select(
        "user_id", "path_id", "enrolled_at", "archived_at", "enrollment_id", found="session_id"
    )
    inferred = (
        one_each.join(enrolled, on=["user_id", "path_id"])
        .filter(
            pl.col("enrolled_at") <= pl.col("started_at"),
            pl.col("archived_at").is_null() | (pl.col("started_at") < pl.col("archived_at")),
        )
        .sort("enrolled_at", "enrollment_id")
        .unique("activity_id", keep="last", maintain_order=True)
        .select("activity_id", "found")
    )
    found = one_each.join(inferred, on="activity_id", how="left", maintain_order="left").with_columns(
        session_id=pl.coalesce("slot", "found")
    )
    return found.unique([*_REGISTRATION, "session_id"], keep="first", maintain_order=True).with_columns(
        last_activity_at="completed_at",
        progress=pl.lit(100, pl.Int32),
        score=pl.lit(None, pl.Float64),
        passed=pl.lit(None, pl.Boolean),
    )


def _corrections(corrected: pl.DataFrame) -> pl.DataFrame:
    """Corrections with the fields of an event: the time, the score and whether it is a success.

    Two corrections of one learner's assessment at the same instant are distinct only if they name different
    enrollments; a correction that names no enrollment is then a duplicate delivery of one of them.
    """
    by_score = pl.col("score") >= pl.col("min_score")
    moment = ["user_id", "step_id", "completed_at"]
    one_each = (
        corrected.filter(pl.col("completed_at").is_not_null())
        .sort("activity_id")
        .unique([*moment, "enrollment_id"], keep="first", maintain_order=True)
        .filter(pl.col("enrollment_id").is_not_null() | pl.col("enrollment_id").is_null().all().over(moment))
    )
    return one_each.with_columns(
        started_at="completed_at",
        last_activity_at="completed_at",
        progress=pl.lit(100, pl.Int32),
        time_spent_ms=pl.lit(0, pl.Int64),
        passed=pl.coalesce(
            pl.when(pl.col("min_score").is_not_null()).then(by_score.fill_null(False)), "passed", pl.lit(True)
        ),
    )
