"""Serialize sessions, enrollments, courses, attempts, users and groups, one frame per list.

A frame's columns are named like the documents' keys, and `shown` converts its rows. Null is an absent key.
"""

from datetime import UTC, datetime

import polars as pl

from sandbox.api_projection import activity_of, kinds, platform_id
from sandbox.constant_fields import (
    ADMINISTRATOR,
    LANGUAGE,
    MAIN_GROUP,
    as_json,
    authorship,
    for_some,
    is_chosen,
    no_ids,
    one_id,
)
from sandbox.endpoints import ARCHIVED, PUBLISHED
from sandbox.path_serializers import PREPARED
from sandbox.valid_tables import Tables

_TIME = pl.Datetime("us", "UTC")
_BEGUN = datetime(2010, 1, 1, tzinfo=UTC)


def sessions(tables: Tables, now: datetime) -> pl.DataFrame:
    prepared = pl.min_horizontal(pl.col("starts_at") - PREPARED, pl.lit(now, _TIME))
    after = (
        pl.when(is_chosen("session_id", 2)).then(as_json(_BY_CERTIFICATE)).otherwise(as_json(_BY_COMPLETION))
    )
    filtering = {"active": False, "authorizedAddresses": ["192.0.2.0/24"]}
    return (
        tables["path_sessions"]
        .join(tables["child_sessions"].select("session_id", "root_session_id"), on="session_id", how="left")
        .sort("session_id")
        .select(
            _id="session_id",
            pathId="path_id",
            name=pl.col("name").fill_null(""),
            createdAt=prepared,
            modifiedAt=prepared,
            startDate="starts_at",
            endDate="ends_at",
            rootSessionId="root_session_id",
            mainInstructorId=pl.lit(ADMINISTRATOR),
            instructorIds=one_id(ADMINISTRATOR),
            groupId=pl.lit(MAIN_GROUP),
            registrationRequestValidation=pl.lit("disabled"),
            isAudienceBuilder=is_chosen("session_id", 3),
            userLimit=for_some("session_id", 4, 250),
            additionalInformation=for_some("session_id", 5, ""),
            **{
                "automaticReenrollment:json": pl.when("restarts_on_reenrollment").then(after),
                "ipFiltering:json": for_some("session_id", 6, as_json(filtering)),
            },
            _sessionId="session_id",
        )
    )


# The settings of automatic re-enrollment.
_BY_CERTIFICATE = {"type": "certificationExpiryDate", "delayDays": 30}
_BY_COMPLETION = {"type": "pathCompletionDate", "delayDays": 0, "recurrenceMonths": 12}


def enrollments(tables: Tables, now: datetime) -> pl.DataFrame:
    """The enrollments, each modified at the end of the day of its last event: data arrives day by day.

    Some that were never modified have no `modifiedAt`.
    """
    path_of = tables["path_sessions"].select("session_id", "path_id")
    is_archived = pl.col("archived_at").is_not_null()
    modified_at = pl.min_horizontal(
        pl.coalesce("archived_at", "enrolled_at").dt.offset_by("1d").dt.truncate("1d"), pl.lit(now, _TIME)
    )
    return (
        tables["enrollments"]
        .join(path_of, on="session_id")
        .sort("path_id", "enrollment_id")
        .select(
            _id="enrollment_id",
            sessionId="session_id",
            userId="user_id",
            status=pl.when(is_archived).then(pl.lit(ARCHIVED)).otherwise(pl.lit(PUBLISHED)),
            createdAt="enrolled_at",
            modifiedAt=pl.when(is_archived | is_chosen("enrollment_id", 2)).then(modified_at),
            archivedAt="archived_at",
            isSelfEnrolled=is_self_enrolled("enrollment_id"),
            _pathId="path_id",
        )
    )


def is_self_enrolled(enrollment: str) -> pl.Expr:
    return is_chosen(enrollment, 10)


def attempts(tables: Tables) -> pl.DataFrame:
    """The attempts at courses; some durations have decimals, as the API's description allows.

    Without `lastActivityAt`, the last activity was the completion.
    """
    path_of = tables["path_sessions"].select("session_id", "path_id")
    is_last = (pl.col("last_activity_at") == pl.col("completed_at")).fill_null(False)
    return (
        activity_of(tables, "course")
        .join(path_of, on="session_id", how="left")
        .sort("activity_id")
        .select(
            _id="activity_id",
            userId="user_id",
            courseId="step_id",
            pathId="path_id",
            pathSessionId="session_id",
            lang=pl.lit(LANGUAGE),
            versionNumber=for_some("activity_id", 2, 3),
            progress="progress",
            score=pl.col("score").cast(pl.Int64),
            timeSpent=pl.col("time_spent_ms")
            + pl.when(is_chosen("activity_id", 7)).then(0.25).otherwise(0.0),
            firstActivityAt="started_at",
            lastActivityAt=pl.when(~(is_last & is_chosen("activity_id", 6))).then("last_activity_at"),
            completedAt="completed_at",
        )
    )


def courses(tables: Tables) -> pl.DataFrame:
    """The courses that are steps or have attempts; a SCORM course is an `elearning standard`."""
    on_paths = kinds(tables["path_steps"]).filter(pl.col("type") == "course")
    attempted = activity_of(tables, "course").select("step_id").unique()
    is_standard = pl.col("is_scorm").fill_null(False)
    other = pl.when(is_chosen("step_id", 9)).then(pl.lit("external")).otherwise(pl.lit("native"))
    return (
        on_paths.select("step_id", "title", "is_scorm")
        .join(attempted, on="step_id", how="full", coalesce=True)
        .sort("step_id")
        .select(
            _id="step_id",
            name=pl.col("title").fill_null(""),
            type=pl.when(is_standard).then(pl.lit("elearning standard")).otherwise(other),
            status=pl.lit(PUBLISHED),
            createdAt=pl.lit(_BEGUN, _TIME),
            modifiedAt=pl.lit(_BEGUN, _TIME),
            duration=for_some("step_id", 2, 12.5),
            description=for_some("step_id", 3, ""),
            currentVersionNumber=for_some("step_id", 2, 3),
            collaborativeLearning=for_some("step_id", 3, False),
            externalPlatform=for_some("step_id", 9, "Elsewhere"),
        )
        .with_columns(**authorship(), _originalAuthorId=pl.lit(ADMINISTRATOR), _tagIds=no_ids())
    )


def users(tables: Tables) -> pl.DataFrame:
    """The users, with job, organization and group if the input table has these columns."""
    rows = tables["users"].sort("user_id")
    optional = {"job": "job_title", "organization": "organization", "primaryGroupId": "group_id"}
    moment = pl.lit(_BEGUN, _TIME)
    deleted_at = as_json(["2020-02-29T12:00:00.000Z"])
    is_deleted = pl.col("status") == "deleted"
    return rows.select(
        _id="user_id",
        mail="email",
        username=for_some("user_id", 4, pl.format("user-{}", pl.col("user_id").str.tail(6))),
        firstName="first_name",
        lastName="last_name",
        status="status",
        lang=pl.lit(LANGUAGE),
        **{key: pl.col(column) for key, column in optional.items() if column in rows.columns},
        lastLoginDate=for_some("user_id", 2, moment),
        toBeDeactivatedAt=for_some("user_id", 20, moment.dt.offset_by("50y")),
        phone=for_some("user_id", 9, ""),
        custom=for_some("user_id", 9, "", 1),
        profileImageId=for_some("user_id", 3, ADMINISTRATOR),
        **{
            "deletedAt:json": pl.when(is_deleted).then(deleted_at),
            "reactivatedAt:json": for_some("user_id", 30, deleted_at),
        },
    )


def groups(tables: Tables) -> pl.DataFrame:
    """The groups of the input table; without any, the main group and one below it."""
    rows = tables.get("groups")
    if rows is None or rows.is_empty():
        newcomers = platform_id("the platform's group of newcomers")
        names = ("group_id", "name", "parent_group_id")
        both = [(MAIN_GROUP, "Everybody", None), (newcomers, "", MAIN_GROUP)]
        rows = pl.DataFrame(both, schema=dict.fromkeys(names, pl.String), orient="row")
    is_main = pl.col("parent_group_id").is_null()
    terms = as_json({"url": "https://northwind.example/terms", "explicitConsent": True})
    images = ("bannerImageId", "backgroundImageId", "faviconImageId", "logoImageId")
    texts = ("privacyPolicy", "moderationCharter", "termsOfUse", "imprint")
    return rows.sort("group_id").select(
        _id="group_id",
        name="name",
        public=is_chosen("group_id", 2),
        parentId="parent_group_id",
        custom=pl.when(is_main).then(pl.lit("")),
        subdomain=pl.when(is_main).then(pl.lit("northwind")),
        url=pl.when(is_main).then(pl.lit("https://northwind.example")),
        **{name: pl.when(is_main).then(pl.lit(ADMINISTRATOR)) for name in images},
        **{f"{name}:json": pl.when(is_main).then(terms) for name in texts},
    )
