"""Serialize classrooms, their slots and the registrations for them."""

from datetime import UTC, datetime

import polars as pl

from sandbox.api_projection import activity_of, kinds, names_its_session, platform_id
from sandbox.constant_fields import ADMINISTRATOR, MAIN_GROUP, for_some, is_chosen, no_ids, one_id
from sandbox.endpoints import ARCHIVED, PUBLISHED
from sandbox.valid_tables import Tables

_PREPARED = datetime(2010, 1, 1, tzinfo=UTC)


def classrooms(tables: Tables) -> pl.DataFrame:
    rooms = kinds(tables["path_steps"]).filter(pl.col("type") == "classroom").sort("step_id")
    return rooms.select(
        _id="step_id",
        name=pl.col("title").fill_null(""),
        groupId=pl.lit(MAIN_GROUP),
        mediaIds=no_ids(),
        message=for_some("step_id", 3, "Bring your badge.", 1),
        createdAt=for_some("step_id", 2, _PREPARED),
        modifiedAt=for_some("step_id", 2, _PREPARED, 1),
        trainingObjective=for_some("step_id", 4, ""),
    )


def registrations(tables: Tables, now: datetime) -> pl.DataFrame:
    """Registrations of learners who attended, of some who did not, and of some who were unregistered.

    A learner unregistered before the end of the slot was absent, whatever `hasAttended` is; one unregistered
    later was not.
    """
    path_of = tables["path_sessions"].select("session_id", "path_id")
    attendances = activity_of(tables, "classroom").join(path_of, on="session_id", how="left")
    attendances = attendances.sort("step_id", "started_at", "completed_at", "activity_id")
    # A slot in the context of a path belongs to one session of it; any other slot is open to everyone.
    owner = pl.when(names_its_session()).then("session_id").fill_null("")
    parts = ["step_id", owner, *(pl.col(name).dt.epoch("ms") for name in ("started_at", "completed_at"))]
    attendances = attendances.with_columns(slot=pl.concat_str(parts, separator=" "), context=_context())
    names = attendances["slot"].unique().to_list()
    slots = pl.col("slot").replace_strict(names, list(map(platform_id, names)), return_dtype=pl.String)
    later = pl.col("completed_at").dt.offset_by("1h")
    attendances = attendances.with_columns(
        slot=slots,
        attended=pl.lit(True),
        archived_at=pl.when(is_chosen("activity_id", 12) & (later <= now)).then(later),
    )
    absent = _absent(attendances, tables["enrollments"])
    archived_at = pl.col("archived_at")
    return pl.concat([attendances, absent.select(attendances.columns)]).select(
        _id="activity_id",
        userId="user_id",
        classroomSlotId="slot",
        hasAttended="attended",
        # Some durations have decimals: the API's description has `number`.
        attendanceDuration=pl.col("time_spent_ms")
        + pl.when(is_chosen("activity_id", 5)).then(0.25).otherwise(0.0),
        pathId="path_id",
        status=pl.when(archived_at.is_null()).then(pl.lit(PUBLISHED)).otherwise(pl.lit(ARCHIVED)),
        archivedAt=archived_at,
        createdAt=for_some("activity_id", 2, pl.col("started_at").dt.offset_by("-20d"), 1),
        modifiedAt=for_some("activity_id", 2, pl.col("started_at").dt.offset_by("-19d"), 2),
        **{
            "rsvp.going": for_some("activity_id", 4, True),
            "rsvp.lastUpdatedAt": for_some("activity_id", 4, pl.col("started_at").dt.offset_by("-2d")),
        },
        _classroomId="step_id",
        _startDate="started_at",
        _endDate="completed_at",
        _context="context",
    )


def _absent(attendances: pl.DataFrame, enrollments: pl.DataFrame) -> pl.DataFrame:
    """Registrations of some learners who did not attend; a few were unregistered before the slot ended."""
    expected = (
        attendances.drop_nulls("session_id")
        .unique(["slot", "session_id"], maintain_order=True)
        .drop("user_id")
        .join(enrollments.select("session_id", "user_id").unique(), on="session_id", maintain_order="left")
        .filter(pl.concat_str("slot", "user_id").hash(0) % 16 == 0)
        .join(attendances, on=["slot", "user_id"], how="anti")
        .unique(["slot", "user_id"], keep="first", maintain_order=True)
    )
    registered = [
        platform_id(f"{slot} {user}") for slot, user in expected.select("slot", "user_id").iter_rows()
    ]
    unregistered = is_chosen("activity_id", 16)
    return expected.with_columns(activity_id=pl.Series(registered, dtype=pl.String)).with_columns(
        attended=unregistered,
        archived_at=pl.when(unregistered).then(pl.col("completed_at").dt.offset_by("-1m")),
        time_spent_ms=pl.when(unregistered).then("time_spent_ms"),
    )


def _context() -> pl.Expr:
    """The context of a slot: its session, a program, or the classroom alone."""
    other = pl.when(is_chosen("step_id", 2)).then(pl.lit("program")).otherwise(pl.lit("standalone"))
    kind = pl.when(names_its_session()).then(pl.lit("path")).otherwise(other)
    id = pl.when(names_its_session()).then("session_id").otherwise("step_id")
    return pl.struct(type=kind, _id=id).struct.json_encode()


def slots(registered: pl.DataFrame) -> pl.DataFrame:
    """The slots of the registrations."""
    hours = (pl.col("_endDate") - pl.col("_startDate")).dt.total_milliseconds() / 3_600_000
    closes = pl.col("_startDate").dt.offset_by("-7d")
    return registered.unique("classroomSlotId", keep="first", maintain_order=True).select(
        _id="classroomSlotId",
        classroomId="_classroomId",
        startDate="_startDate",
        endDate="_endDate",
        reportedDuration=hours,
        name=for_some("classroomSlotId", 2, "Morning").fill_null(""),
        location=for_some("classroomSlotId", 2, "Room 1", 1).fill_null(""),
        virtual=is_chosen("classroomSlotId", 3),
        maxCapacity=for_some("classroomSlotId", 3, 12, 1),
        timezone=for_some("classroomSlotId", 4, "Europe/Paris"),
        webinarProvider=for_some("classroomSlotId", 3, "zoom"),
        trainerIds=one_id(ADMINISTRATOR),
        mediaIds=no_ids(),
        createdAt=for_some("classroomSlotId", 2, pl.col("_startDate").dt.offset_by("-30d")),
        modifiedAt=for_some("classroomSlotId", 2, pl.col("_startDate").dt.offset_by("-29d"), 1),
        **{
            "selfRegistration.enabled": is_chosen("classroomSlotId", 2, 2),
            "selfRegistration.cutoffDate": for_some("classroomSlotId", 2, closes, 2),
            "context:json": pl.col("_context"),
        },
        _classroomId="_classroomId",
    )
