"""From the warehouse to what the rules read."""

from flows.warehouse.duck import Duck
from transforms.world import World

_SESSIONS = """
    SELECT session_key, path_key, s.company_id, session_id, s.path_id, s.name, starts_at, ends_at,
      restarts_on_reenrollment, mandatory_replay
    FROM path_sessions AS s JOIN paths USING (path_key)"""
_STEPS = """
    SELECT path_key, step_key, step_id, position, type, optional, due_basis, due_unit, due_value, due_at,
      min_score, attempts_limit, time_limit_mode, time_limit_s, is_scorm, is_examination, valid_from, valid_to
    FROM path_steps WHERE path_key IS NOT NULL"""
_ENROLLMENTS = """
    SELECT enrollment_key, session_key, user_key, enrollment_id, enrolled_at, archived_at
    FROM enrollments WHERE path_key IS NOT NULL AND user_key IS NOT NULL ORDER BY enrollment_key"""
_ACTIVITY = """
    SELECT user_key, step_key, session_key, session_path_key, activity_id, started_at, last_activity_at,
      completed_at, progress, score, time_spent_ms, passed
    FROM step_activity WHERE user_key IS NOT NULL"""

SESSIONS_BY_ID = """
    SELECT company_id, session_id, session_key FROM path_sessions
    WHERE path_key IS NOT NULL ORDER BY session_key"""
USERS_BY_ID = "SELECT company_id, user_id, user_key, email, status FROM users ORDER BY user_key"


def world(duck: Duck) -> World:
    """The sound rows whose partners are known, by integer keys."""
    return World(
        users=duck.frame("SELECT user_key, user_id FROM users").lazy(),
        sessions=duck.frame(_SESSIONS).lazy(),
        steps=duck.frame(_STEPS).lazy(),
        enrollments=duck.frame(_ENROLLMENTS).lazy(),
        activity=duck.frame(_ACTIVITY).lazy(),
    )
