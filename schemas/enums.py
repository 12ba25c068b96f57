"""Enumerated values, each set in the order in which its rule decides.

They are spelled as in the responses of the 360Learning endpoint. This module imports nothing, so that a
look-up starts fast.
"""

# R10
STATUSES = ("completed", "awaitingCorrection", "late", "onTime")
# R11
DETAILED_STATUSES = (
    "sessionNotOpened",
    "successful",
    "unsuccessful",
    "awaitingCorrection",
    "toRetake",
    "notYetStarted",
    "late",
    "onTime",
)
# R18: the path can still be earned, and the learner can act on it.
STILL_TO_DO = ("late", "notYetStarted", "onTime", "toRetake")
DETAILED_STATUS_REASONS = ("mandatoryReplay", "sessionEnded")
# The lines of R11, in the order in which they decide.
DECIDING_RULES = ("1", "2", "3", "4", "5a", "5b", "5c", "5d")
# R12
RESULTS = ("unsuccessful", "retake", "successful")

USER_STATUSES = ("active", "invited", "deleted")
MESSAGE_STEP_TYPES = ("email", "slackMessage", "teamsMessage")
STEP_TYPES = ("course", "assessment", "classroom", "path", "program", *MESSAGE_STEP_TYPES)
DUE_BASES = ("enrollment", "sessionStart", "absolute")
DUE_UNITS = ("day", "week", "month")
TIME_LIMIT_MODES = ("maxTime", "minTime")

# Why a row is rejected, the first reason that applies, and its meaning.
REJECTIONS = {
    "missing_value": "a required value is missing",
    "bad_type": "a value has the wrong type",
    "bad_enum": "a value is not allowed",
    "naive_time": "a time has no zone",
    "out_of_range": "a value is out of range",
    "time_order": "an end is before its beginning",
    "bad_due_date": "a due date is incomplete or contradictory",
    "duplicate_key": "rows with the same key differ",
}
# Why a valid row is pending: a reference is missing.
PENDING = {
    "unknown_path": "its path has not been delivered",
    "unknown_session": "its session has not been delivered",
    "unknown_user": "its user has not been delivered",
}
REJECTION_REASONS, PENDING_REASONS = tuple(REJECTIONS), tuple(PENDING)

# The outcomes of an attempt at a step for an enrollment: the first group counts, the second does not.
COUNTED_ATTEMPTS = {
    "satisfies": "satisfies the step",
    "fails_condition": "finished, but a condition of the step is not met",
    "open": "not completed",
    "completed_later": "completed after the evaluation time",
    "completed_after_end": "completed after the end of the session",
}
UNCOUNTED_ATTEMPTS = {
    "after_as_of": "after the evaluation time",
    "after_end": "after the end of the session",
    "earlier_enrollment": "begun before this enrollment, in a session that restarts",
    "later_enrollment": "belongs to a later enrollment, in a session that restarts",
    "other_enrollment": "names another enrollment",
    "replay": "done outside the session, and the path must be replayed in it",
    "not_completed": "outside the session, and not completed",
    "step_not_counted": "the step is not counted",
    "step_waived": "the step is waived",
    "sub_path": "the session of the sub-path decides",
}
ATTEMPT_ACCOUNTS = (*COUNTED_ATTEMPTS, *UNCOUNTED_ATTEMPTS)

# Why a row of status_changes differs from the last release.
CHANGE_CAUSES = ("definition", "enrollment", "activity", "time", "correction of earlier data")
CHANGED_FIELDS = (
    "status",
    "detailed_status",
    "result",
    "completed_at",
    "progress",
    "archived_at",
    "appeared",
    "gone",
)

# The fields compared with the platform's own results; `enrollment` compares whether there is one.
PARITY_FIELDS = ("detailed_status", "progress", "score", "global_time_ms", "completed_at")
COMPARED = (*PARITY_FIELDS, "enrollment")
# Why results differ, the first category that applies.
PARITY_DIFFERENCES = (
    "platform newer than our data",
    "added required step",
    "changed steps",
    "toRetake wording",
    "absolute due date",
    "program without results",
    "correction not received",
    "rounding",
    "gone from the platform",
    "missing reference",
    "unexplained",
)

# Changes since the live release that people act on, and changes that correct published values.
TRANSITIONS = ("became late", "completed", "to retake", "unsuccessful")
RESTATEMENTS = (
    "completion date moved",
    "completion date vanished",
    "enrollment gone",
    "enrollment gone with its completion date",
)
