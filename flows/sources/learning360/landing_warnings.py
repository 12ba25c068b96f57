"""Write the warnings about an extraction: which results are incomplete, and the remedy."""

import re
from collections import Counter

import polars as pl

from flows.database.connection import Connection
from flows.sources.learning360 import activity, resources
from flows.sources.learning360.activity import IS_CORRECTION, IS_WHOLE
from flows.sources.learning360.corrections_file import OF_FILE
from flows.sources.learning360.resources import CORRECTED
from flows.sources.learning360.sync_plan import Decision
from flows.sources.page_store import Landing

# The most names and ids in one sentence.
_NAMED, _IDS_NAMED = 12, 3


def warnings(connection: Connection, landing: Landing, handed_courses: str) -> list[str]:
    """All warnings about a landing; its tables must have been built.

    handed_courses: the query for the courses known to the previous landing.
    """
    found = (
        _not_understood(connection, landing),
        _unread(landing),
        _subscription(landing),
        _corrections_not_read(connection, landing),
        _courses_without_attempts(connection, landing, handed_courses),
        _archived_registrations(connection),
    )
    return [sentence for sentence in found if sentence]


def subscription_fault(subscription: dict[str, object]) -> str | None:
    """Why a webhook subscription delivers no corrections, with the remedy; None if it delivers them."""
    name, kind, status = (subscription.get(key) for key in ("_id", "eventType", "status"))
    if kind != CORRECTED:
        other = kind if isinstance(kind, str) and re.fullmatch("[a-z.]{1,80}", kind) else "other events"
        return (
            f"The webhook subscription {name} sends {other}, not {CORRECTED}: no correction of an assessment "
            f"is read. Set subscription to one for {CORRECTED}."
        )
    if status != "active":
        return (
            f"The webhook subscription {name} is inactive: its receiver failed for 5 days, and the platform "
            "records no new corrections. Make the receiver answer 2xx and activate the subscription again; "
            "add the corrections made since then with corrections_file."
        )
    return None


def _subscription(landing: Landing) -> str | None:
    owners = [name.partition("/")[2] for name in landing.names() if name.startswith("corrections/")]
    for owner in owners:
        if owner != OF_FILE.part:
            kept = next(landing.rows_of(f"{resources.SUBSCRIPTION.name}/{owner}"), None)
            return subscription_fault(kept) if kept else lost_without(resources.SUBSCRIPTION)
    return None


def _unread(landing: Landing) -> str | None:
    lost = [lost_without(kind) for kind in resources.LISTS if kind.name in landing.record.unread]
    return " ".join(lost) or None


def lost_without(kind: resources.ListOf) -> str:
    """The warning that a list can't be read, with the consequence and the remedy."""
    return (
        f"The list {kind.name} can't be read: the client lacks the scope {kind.scope}, or the platform has "
        f"no such list. Without it, {kind.lost_without}. "
        f'Grant the scope, or set skip = ["{kind.skipped_with}"].'
    )


def _not_understood(connection: Connection, landing: Landing) -> str | None:
    """The warning about unknown or unusable fields and values, with counts and where they are stored."""
    found = landing.strange() + Counter(_left_out(connection))
    if not found:
        return None
    named = ", ".join(f"{name} ({count:,})" for name, count in found.most_common(_NAMED))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        "360Learning returns fields or values that this version does not know or can't use; they have no "
        f"effect: {named}{more}. The pages are stored in {landing.folder}."
    )


def _left_out(connection: Connection) -> dict[str, int]:
    time = "coalesce(firstActivityAt, lastActivityAt, completedAt)"
    counts = {
        "attempts at courses without any time": f"SELECT count(*) FROM courses_landed WHERE {time} IS NULL",
        "attendances of slots that are not listed": "SELECT count(*) FROM registrations_landed AS r "
        f"WHERE {activity.ATTENDED} AND r.classroomSlotId NOT IN (SELECT _id FROM slots_landed)",
        "events without a type": "SELECT count(*) FROM events_landed WHERE type IS NULL",
        "corrections without assessment, learner or time": "SELECT count(*) FROM events_landed "
        f"WHERE {IS_CORRECTION} AND NOT ({IS_WHOLE})",
    }
    found = {what: int(connection.value(query)) for what, query in counts.items()}
    return {what: count for what, count in found.items() if count}


def _corrections_not_read(connection: Connection, landing: Landing) -> str | None:
    is_read = any(name.partition("/")[0] == resources.CORRECTIONS.name for name in landing.names())
    if is_read or resources.CORRECTIONS.skipped_with in landing.record.skip:
        return None
    count = int(connection.value("SELECT count(DISTINCT step_id) FROM steps_known WHERE type = 'assessment'"))
    return without_corrections(count, "the paths' steps")


def without_corrections(count: int, steps: str) -> str | None:
    """The warning that a run reads no corrections; None if there is no assessment.

    count: the number of assessments. steps: the steps that were counted, in words.
    """
    if not count:
        return None
    return (
        f"No corrections are read, and {count:,} of {steps} are assessments: their learners stay "
        'awaitingCorrection. Set subscription or corrections_file, or skip = ["assessments"].'
    )


def _courses_without_attempts(connection: Connection, landing: Landing, handed_courses: str) -> str | None:
    """The warning about courses that had attempts and now return none: the filter by id may be broken."""
    batches = Decision.of_json(landing.record.decision).batches if landing.record.decision else ()
    requested = pl.DataFrame(
        {"course_id": [course for batch in batches for course in batch]}, {"course_id": pl.String}
    )
    with connection.lent("requested_courses", requested):
        missed = connection.rows(f"""
            SELECT course_id, attempts FROM {handed_courses} JOIN requested_courses USING (course_id)
            WHERE attempts > 0 AND course_id NOT IN (
              SELECT courseId FROM courses_landed WHERE courseId IS NOT NULL) ORDER BY course_id""")
    if not missed:
        return None
    some = ", ".join(course for course, _ in missed[:_IDS_NAMED])
    more = ", …" if len(missed) > _IDS_NAMED else ""
    return (
        f"The platform returns no attempts for {len(missed):,} courses that had "
        f"{sum(attempts for _, attempts in missed):,} before ({some}{more}); the earlier attempts are kept. "
        "If they were not deleted, set full_every_days = 0, so that attempts are read as one list."
    )


def _archived_registrations(connection: Connection) -> str | None:
    registered = "registrations_landed AS r JOIN slots_landed AS s ON s._id = r.classroomSlotId"
    archived, attended, counted = connection.rows(f"""
        SELECT count(*), count(*) FILTER ({activity.ATTENDED}),
          count(*) FILTER ({activity.ATTENDED} AND {activity.COUNTS})
        FROM {registered} WHERE r.is_archived""")[0]
    if not attended:
        return None
    return (
        f"{attended:,} of {archived:,} archived registrations for classroom slots are marked as attended: "
        f"{counted:,} count, because they were archived after the slot's end; {attended - counted:,} do not."
    )
