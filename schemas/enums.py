"""The closed sets of values, each in the order in which its rule decides.

Wire spelling, as the 360Learning endpoint writes them; no imports, so that a look-up stays light.
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
# R11: its lines, in the order in which they decide.
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
    "bad_type": "a value of another type",
    "bad_enum": "a value that is not allowed",
    "naive_time": "a time without a zone",
    "out_of_range": "a value out of range",
    "time_order": "an end before its beginning",
    "bad_due_date": "an incomplete or contradictory due date",
    "duplicate_key": "one key, different contents",
}
# Why a valid row is pending: a reference is missing.
WAITS = {
    "unknown_path": "its path has not been delivered",
    "unknown_session": "its session has not been delivered",
    "unknown_user": "its user has not been delivered",
}
REJECTION_REASONS, PENDING_REASONS = tuple(REJECTIONS), tuple(WAITS)

# What an attempt comes to at a step of an enrollment: the first group counts, the second does not.
COUNTED_ATTEMPTS = {
    "satisfies": "satisfies the step",
    "fails_condition": "finished, but a condition of the step is not met",
    "open": "not completed",
    "completed_later": "completed after the instant that is looked at",
    "completed_after_end": "completed after the end of the session",
}
UNCOUNTED_ATTEMPTS = {
    "after_as_of": "after the instant that is looked at",
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

# What is compared with the platform's own answer; enrollment: that there is one.
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

# Changes since the live release that people act on; changes that correct what was published.
TRANSITIONS = ("became late", "completed", "to retake", "unsuccessful")
RESTATEMENTS = (
    "completion date moved",
    "completion date vanished",
    "enrollment gone",
    "enrollment gone with its completion date",
)
