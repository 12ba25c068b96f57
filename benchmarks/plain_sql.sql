-- Compute the statistics of every learner on every path session in one DuckDB script: R1 to R15 of docs/rules.md
-- as an analyst would write them, on the original ids. Results that are read twice are tables, all others views.
-- Writes path_session_stats.parquet and session_summary.parquet. Filters only the faults that this export is
-- known to have, does not validate its output, and writes no step statistics, index or quarantine.
--
-- Variables: SET VARIABLE world = 'the folder of the six tables';
--            SET VARIABLE out = 'the folder to write into';
--            SET VARIABLE as_of = TIMESTAMPTZ '2026-03-10 00:00:00Z';

SET TimeZone = 'UTC';
SET preserve_insertion_order = false;

---- The input tables, without invalid rows ------------------------------------------------------------------

CREATE TEMP TABLE users AS
SELECT company_id, user_id FROM read_parquet(getvariable('world') || '/users.parquet')
WHERE status IN ('active', 'invited', 'deleted');

-- Only sessions of known paths.
CREATE TEMP TABLE sessions AS
SELECT s.company_id, session_id, path_id, s.name, starts_at, coalesce(ends_at, 'infinity') AS ends_at,
  coalesce(restarts_on_reenrollment, false) AS restarts, mandatory_replay
FROM read_parquet(getvariable('world') || '/path_sessions.parquet') AS s
JOIN read_parquet(getvariable('world') || '/paths.parquet') AS p USING (company_id, path_id);

-- Lines of JSON: some numbers and times are malformed, so they are read as text first.
CREATE TEMP TABLE step_definitions AS
SELECT company_id, path_id, step_id, type, optional,
  TRY_CAST(position AS INTEGER) AS position,
  coalesce(due_basis, 'enrollment') AS due_basis, due_unit, due_value, due_at,
  min_score, attempts_limit, time_limit_mode, round(time_limit_s * 1000, 3) AS time_limit_ms,
  coalesce(is_scorm, false) AS is_scorm, coalesce(is_examination, false) AS is_examination,
  coalesce(valid_from::TIMESTAMPTZ, '-infinity') AS valid_from,
  coalesce(valid_to::TIMESTAMPTZ, 'infinity') AS valid_to
FROM read_json(getvariable('world') || '/path_steps.ndjson', format = 'newline_delimited', columns = {
  company_id: 'VARCHAR', path_id: 'VARCHAR', step_id: 'VARCHAR', position: 'VARCHAR', type: 'VARCHAR',
  optional: 'BOOLEAN', due_basis: 'VARCHAR', due_unit: 'VARCHAR', due_value: 'DOUBLE', due_at: 'TIMESTAMPTZ',
  min_score: 'DOUBLE', attempts_limit: 'INTEGER', time_limit_mode: 'VARCHAR', time_limit_s: 'DOUBLE',
  is_scorm: 'BOOLEAN', is_examination: 'BOOLEAN', valid_from: 'VARCHAR', valid_to: 'VARCHAR'})
WHERE TRY_CAST(position AS INTEGER) IS NOT NULL
  AND coalesce(regexp_matches(valid_from, '(Z|[+-]\d\d:\d\d)$'), true)
  AND coalesce(regexp_matches(valid_to, '(Z|[+-]\d\d:\d\d)$'), true)
  AND (due_basis IS DISTINCT FROM 'absolute' OR due_at IS NOT NULL);

-- Exact duplicates count once. Rows with the same id and different content are all dropped.
CREATE TEMP TABLE valid_enrollments AS
FROM (
  SELECT DISTINCT company_id, enrollment_id, session_id, user_id, enrolled_at, archived_at
  FROM read_parquet(getvariable('world') || '/enrollments.parquet')
  WHERE user_id IS NOT NULL AND (archived_at IS NULL OR archived_at >= enrolled_at))
QUALIFY count(*) OVER (PARTITION BY company_id, enrollment_id) = 1;

CREATE TEMP TABLE valid_activity AS
SELECT company_id, activity_id, user_id, step_id, session_id, started_at, last_activity_at, completed_at,
  progress, score, time_spent_ms, passed, enrollment_id
FROM read_parquet(getvariable('world') || '/step_activity.parquet')
WHERE progress BETWEEN 0 AND 100 AND last_activity_at >= started_at;

-- The latest version of an attempt counts, if exactly one is the latest; few ids occur more than once.
CREATE TEMP VIEW activity AS
WITH repeated AS (
  SELECT company_id, activity_id FROM valid_activity GROUP BY ALL HAVING count(*) > 1),
versions AS (
  SELECT DISTINCT a.* FROM valid_activity AS a SEMI JOIN repeated USING (company_id, activity_id)),
latest AS (
  FROM versions
  QUALIFY rank() OVER (PARTITION BY company_id, activity_id ORDER BY last_activity_at DESC) = 1)
SELECT a.* FROM valid_activity AS a ANTI JOIN repeated USING (company_id, activity_id)
UNION ALL
SELECT * FROM latest QUALIFY count(*) OVER (PARTITION BY company_id, activity_id) = 1;

---- R1, R2, R14, R15: the enrollments that take part, and when each is evaluated -----------------------------

-- t_eff: an archived enrollment is evaluated as of its archiving.
-- next_enrolled_at: where a session restarts, the learner's next enrollment takes over; of two at the same
-- instant the greater id owns all attempts, because the other's interval is empty.
CREATE TEMP TABLE enrollments AS
WITH taking_part AS (
  SELECT company_id, session_id, user_id, enrollment_id, path_id, enrolled_at, starts_at, ends_at, restarts,
    mandatory_replay,
    CASE WHEN archived_at <= getvariable('as_of') THEN archived_at END AS archived_at
  FROM valid_enrollments
  JOIN sessions USING (company_id, session_id)
  SEMI JOIN users USING (company_id, user_id)
  WHERE enrolled_at <= getvariable('as_of'))
SELECT *,
  coalesce(archived_at, getvariable('as_of')) AS t_eff,
  coalesce(lead(enrolled_at) OVER (pair ORDER BY enrolled_at, enrollment_id), 'infinity') AS next_enrolled_at,
  row_number() OVER (pair ORDER BY archived_at IS NULL DESC, coalesce(archived_at, enrolled_at) DESC,
    enrollment_id DESC) = 1 AS is_current
FROM taking_part
WINDOW pair AS (PARTITION BY company_id, session_id, user_id);

---- R3: the counted steps -----------------------------------------------------------------------------------

-- A step has one definition in [since, until): the newest valid version.
-- place: the step's rank in its path; position first, then id.
CREATE TEMP TABLE steps AS
WITH edges AS (
  SELECT DISTINCT company_id, path_id, step_id, unnest([valid_from, valid_to]) AS since FROM step_definitions),
spans AS (
  SELECT *, lead(since) OVER (PARTITION BY company_id, path_id, step_id ORDER BY since) AS until FROM edges),
valid AS (
  FROM spans JOIN step_definitions AS d USING (company_id, path_id, step_id)
  WHERE d.valid_from <= since AND since < d.valid_to AND until IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY company_id, path_id, step_id, since ORDER BY d.valid_from DESC) = 1)
SELECT *, NOT optional AS required, type = 'assessment' AS is_assessment,
  rank() OVER (PARTITION BY company_id, path_id ORDER BY position, step_id) AS place
FROM valid
WHERE type NOT IN ('email', 'slackMessage', 'teamsMessage');

---- R4: the attempts that matter ----------------------------------------------------------------------------

-- R2: an instant counts up to the evaluation time and before the session closes.
CREATE TEMP MACRO counts(instant, t_eff, closes_at) AS
  coalesce(instant <= t_eff AND instant < closes_at, false);

-- One row per enrollment and attempt: in its session on any step, or elsewhere on a counted one. The columns of
-- the step are null if the step is not counted. A counted assessment has no closing time.
CREATE TEMP TABLE attempts AS
WITH met AS (
  SELECT e.company_id, e.enrollment_id, s.step_id, a.activity_id, a.started_at, a.completed_at, a.progress,
    a.score, a.time_spent_ms, a.passed, e.mandatory_replay,
    s.is_assessment, s.is_examination, s.is_scorm, s.min_score, s.time_limit_mode, s.time_limit_ms,
    CASE WHEN s.is_assessment THEN 'infinity' ELSE e.ends_at END AS closes_at,
    coalesce(a.session_id = e.session_id, false) AS same_session,
    counts(a.started_at, t_eff, closes_at)
      AND coalesce(a.enrollment_id = e.enrollment_id,
        NOT e.restarts OR (e.enrolled_at <= a.started_at AND a.started_at < e.next_enrolled_at)) AS begun,
    counts(a.completed_at, t_eff, closes_at) AS completed,
    counts(a.last_activity_at, t_eff, closes_at) OR completed AS observed
  FROM activity AS a
  JOIN enrollments AS e USING (company_id, user_id)
  LEFT JOIN steps AS s
    ON s.company_id = e.company_id AND s.path_id = e.path_id AND s.step_id = a.step_id
    AND s.since <= e.t_eff AND e.t_eff < s.until),
mattering AS (
  SELECT *, same_session AS in_session,
    NOT same_session AND NOT mandatory_replay AS carried_over,
    completed AND (in_session OR carried_over) AS finished
  FROM met
  WHERE CASE WHEN same_session THEN begun ELSE completed AND step_id IS NOT NULL END)
SELECT company_id, enrollment_id, step_id, activity_id, started_at, completed_at, progress, score,
  time_spent_ms, in_session, carried_over, observed, finished,
  -- R5: the conditions of the step, all on this one attempt.
  finished
    AND (min_score IS NULL OR coalesce(score >= min_score, false))
    AND (is_scorm OR coalesce(CASE time_limit_mode
      WHEN 'maxTime' THEN time_spent_ms <= time_limit_ms
      WHEN 'minTime' THEN time_spent_ms >= time_limit_ms
    END, true))
    AND (NOT is_assessment OR min_score IS NOT NULL OR NOT is_examination OR coalesce(passed, false))
  AS satisfies
FROM mattering;

---- R5: the outcome of each counted step --------------------------------------------------------------------

-- rested_on_ms (R8): the time of the carried-over attempt: a satisfying one first, then the earliest completed.
CREATE TEMP VIEW attempted_steps AS
SELECT company_id, enrollment_id, step_id,
  min(completed_at) FILTER (finished) AS finished_at,
  min(completed_at) FILTER (satisfies) AS successful_at,
  max(score) FILTER (finished) AS score,
  max(progress) FILTER (in_session AND observed) AS seen_progress,
  count(*) FILTER (in_session) AS attempts,
  count(*) FILTER (in_session AND finished) AS attempts_used,
  count(*) FILTER (NOT in_session) > 0 AS done_elsewhere,
  min(started_at) FILTER (in_session OR carried_over) AS started_at,
  arg_min(time_spent_ms, (NOT satisfies, completed_at, activity_id)) FILTER (carried_over) AS rested_on_ms
FROM attempts
WHERE step_id IS NOT NULL
GROUP BY ALL;

-- Whole months are calendar months, and a fraction is that part of 30 days; in UTC this needs no time zone.
-- Amounts are capped, as a due date is at most the last instant of the year 9999.
CREATE TEMP MACRO due_after(start, amount, unit) AS CASE unit
  WHEN 'day' THEN start + to_microseconds(round_even(least(amount, 3650000) * 86400000000, 0)::BIGINT)
  WHEN 'week' THEN start + to_microseconds(round_even(least(amount, 520000) * 604800000000, 0)::BIGINT)
  WHEN 'month' THEN (start::TIMESTAMP + to_months(floor(least(amount, 120000))::INTEGER)
    + to_microseconds(round_even((amount - floor(amount)) * 2592000000000, 0)::BIGINT))::TIMESTAMPTZ
END;

CREATE TEMP VIEW outcomes AS
WITH counted AS (
  SELECT e.company_id, e.enrollment_id, e.t_eff, s.step_id, s.place, s.position, s.required, s.is_assessment,
    s.due_basis, a.finished_at, a.successful_at, a.score, a.started_at,
    a.finished_at IS NOT NULL AS finished,
    a.successful_at IS NOT NULL AS successful,
    CASE WHEN finished THEN 100 ELSE least(coalesce(a.seen_progress, 0), 99) END AS progress,
    finished AND NOT successful AND CASE
      WHEN s.is_assessment THEN s.is_examination OR s.min_score IS NOT NULL
      ELSE coalesce(a.attempts_used >= s.attempts_limit AND a.attempts = a.attempts_used, false)
    END AS exhausted,
    finished AND NOT successful AND NOT exhausted AS to_retake,
    coalesce(e.mandatory_replay AND a.done_elsewhere AND a.attempts_used = 0, false) AS replay_pending,
    CASE WHEN a.attempts = 0 THEN a.rested_on_ms END AS rested_on_ms,
    CASE s.due_basis
      WHEN 'absolute' THEN s.due_at
      WHEN 'sessionStart' THEN due_after(e.starts_at, s.due_value, s.due_unit)
      ELSE due_after(e.enrolled_at, s.due_value, s.due_unit)
    END AS due
  FROM enrollments AS e
  JOIN steps AS s
    ON s.company_id = e.company_id AND s.path_id = e.path_id AND s.since <= e.t_eff AND e.t_eff < s.until
  LEFT JOIN attempted_steps AS a
    ON a.company_id = e.company_id AND a.enrollment_id = e.enrollment_id AND a.step_id = s.step_id)
SELECT * EXCLUDE (due),
  CASE WHEN due IS NOT NULL THEN least(due, TIMESTAMPTZ '9999-12-31 23:59:59.999999Z') END AS due_at,
  NOT finished AND coalesce(due_at < t_eff, false) AS overdue
FROM counted;

---- R6 to R13: the results of each learner ------------------------------------------------------------------

-- The first unfinished required assessment awaits its correction if no required step before it blocks: its
-- position is at most that of the first blocking step.
CREATE TEMP VIEW learners AS
SELECT company_id, enrollment_id,
  count(*) AS counted_steps,
  count(*) FILTER (finished) AS counted_finished,
  count(*) FILTER (required) AS required_steps,
  count(*) FILTER (required AND finished) AS required_finished,
  count(*) FILTER (required AND successful) AS required_successful,
  count(*) FILTER (required AND replay_pending) AS required_replay_pending,
  count(*) FILTER (required AND overdue) AS overdue_steps,
  sum(progress) FILTER (required) AS summed_progress,
  -- Scores have 4 decimals; as integers their sum is exact.
  sum(round(score * 10000)::BIGINT) AS summed_score,
  count(score) AS scored_steps,
  sum(rested_on_ms) AS rested_on_ms,
  bool_or(exhausted) AS any_exhausted, bool_or(to_retake) AS any_to_retake,
  min(started_at) AS started_at,
  min(due_at) FILTER (required AND NOT finished AND due_at >= t_eff) AS next_due_at,
  min(due_at) FILTER (required AND overdue) AS first_overdue_at,
  max(successful_at) FILTER (required) AS last_successful_at,
  max(finished_at) FILTER (required) AS last_finished_at,
  arg_min(step_id, place) FILTER (required AND exhausted) AS first_exhausted,
  arg_min(step_id, place) FILTER (required AND (to_retake OR replay_pending)) AS first_to_redo,
  arg_min(step_id, place) FILTER (required AND overdue AND due_basis <> 'absolute') AS first_late,
  arg_min(step_id, place) FILTER (required AND is_assessment AND NOT finished) AS first_uncorrected,
  min(position) FILTER (required AND is_assessment AND NOT finished) AS uncorrected_position,
  min(position) FILTER (required AND NOT is_assessment AND NOT successful) AS blocking_position
FROM outcomes
GROUP BY ALL;

CREATE TEMP TABLE path_session_stats AS
WITH time_in_session AS (
  SELECT company_id, enrollment_id, sum(time_spent_ms) AS in_session_ms
  FROM attempts WHERE in_session AND observed GROUP BY ALL),
facts AS (
  SELECT e.*, l.* EXCLUDE (company_id, enrollment_id),
    coalesce(t.in_session_ms, 0) + coalesce(l.rested_on_ms, 0) AS global_time_ms,
    l.required_steps > 0 AND l.required_successful = l.required_steps AS all_successful,
    l.required_steps > 0 AND l.required_finished = l.required_steps AS all_finished,
    CASE WHEN e.t_eff >= e.starts_at
          AND l.uncorrected_position <= coalesce(l.blocking_position, l.uncorrected_position)
         THEN l.first_uncorrected END AS first_awaiting
  FROM enrollments AS e
  LEFT JOIN learners AS l USING (company_id, enrollment_id)
  LEFT JOIN time_in_session AS t USING (company_id, enrollment_id)),
-- R11: the line that decides. An enrollment without counted steps has null sums.
decided AS (
  SELECT *, CASE
      WHEN t_eff < starts_at THEN '1'
      WHEN all_successful THEN '2'
      WHEN first_exhausted IS NOT NULL THEN '3'
      WHEN first_awaiting IS NOT NULL THEN '4'
      WHEN required_steps > 0 AND required_finished + required_replay_pending = required_steps THEN '5a'
      WHEN started_at IS NULL THEN '5b'
      WHEN first_late IS NOT NULL THEN '5c'
      ELSE '5d'
    END AS line,
    line[1] = '5' AND t_eff >= ends_at AS ended_while_open
  FROM facts)
SELECT company_id, session_id, user_id, enrollment_id, is_current,
  coalesce(summed_progress // required_steps, 0)::INTEGER AS progress,
  global_time_ms::BIGINT AS global_time_ms,
  ((2 * summed_score + 10000 * scored_steps) // (20000 * scored_steps))::INTEGER AS score,
  CASE
    WHEN counted_steps > 0 AND counted_finished = counted_steps THEN 'completed'
    WHEN first_awaiting IS NOT NULL THEN 'awaitingCorrection'
    WHEN overdue_steps > 0 THEN 'late'
    ELSE 'onTime'
  END AS status,
  CASE WHEN line = '2' THEN last_successful_at END AS completed_at,
  CASE
    WHEN line = '1' THEN 'sessionNotOpened'
    WHEN line = '2' THEN 'successful'
    WHEN line = '3' OR ended_while_open THEN 'unsuccessful'
    WHEN line = '4' THEN 'awaitingCorrection'
    WHEN line = '5a' THEN 'toRetake'
    WHEN line = '5b' THEN 'notYetStarted'
    WHEN line = '5c' THEN 'late'
    ELSE 'onTime'
  END AS detailed_status_type,
  CASE
    WHEN ended_while_open THEN 'sessionEnded'
    WHEN line = '5a' AND required_replay_pending > 0 THEN 'mandatoryReplay'
  END AS detailed_status_reason,
  CASE
    WHEN any_exhausted THEN 'unsuccessful'
    WHEN any_to_retake THEN 'retake'
    WHEN all_successful THEN 'successful'
  END AS result,
  archived_at, enrolled_at, started_at, next_due_at,
  coalesce(overdue_steps, 0)::INTEGER AS overdue_steps, coalesce(required_steps, 0)::INTEGER AS required_steps,
  coalesce(required_finished, 0)::INTEGER AS required_steps_finished,
  CASE line
    WHEN '3' THEN first_exhausted
    WHEN '4' THEN first_awaiting
    WHEN '5a' THEN first_to_redo
    WHEN '5c' THEN first_late
  END AS decided_by_step_id,
  line AS deciding_rule,
  CASE WHEN all_finished THEN last_finished_at END AS all_required_finished_at,
  -- R18. The learner can act on the detailed statuses of line 5.
  archived_at IS NULL AND coalesce(overdue_steps, 0) > 0 AND line[1] = '5'
    AND NOT coalesce(ended_while_open, false) AS is_late,
  CASE WHEN is_late THEN first_overdue_at END AS late_since
FROM decided;

COPY (FROM path_session_stats ORDER BY company_id, session_id, user_id, enrollment_id)
TO (getvariable('out') || '/path_session_stats.parquet')
  (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

---- The summary of each session, over the current enrollments (R15) -----------------------------------------

COPY (
  WITH learners_of AS (
    SELECT company_id, session_id, progress, score, global_time_ms, is_late,
      CASE WHEN archived_at IS NULL THEN detailed_status_type END AS open_status
    FROM path_session_stats WHERE is_current),
  summed AS (
    SELECT company_id, session_id,
      count(*) FILTER (open_status = 'sessionNotOpened') AS session_not_opened,
      count(*) FILTER (open_status = 'successful') AS successful,
      count(*) FILTER (open_status = 'unsuccessful') AS unsuccessful,
      count(*) FILTER (open_status = 'awaitingCorrection') AS awaiting_correction,
      count(*) FILTER (open_status = 'toRetake') AS to_retake,
      count(*) FILTER (open_status = 'notYetStarted') AS not_yet_started,
      count(*) FILTER (open_status = 'late') AS late,
      count(*) FILTER (open_status = 'onTime') AS on_time,
      count(open_status) AS enrolled,
      count(*) - enrolled AS archived,
      count(*) FILTER (is_late) AS overdue,
      sum(progress) FILTER (open_status IS NOT NULL) / enrolled AS mean_progress,
      sum(score) FILTER (open_status IS NOT NULL) / count(score) FILTER (open_status IS NOT NULL) AS mean_score,
      median(global_time_ms) FILTER (open_status IS NOT NULL) AS median_global_time_ms
    FROM learners_of GROUP BY ALL)
  SELECT company_id, session_id, path_id, name,
    coalesce(COLUMNS(['session_not_opened', 'successful', 'unsuccessful', 'awaiting_correction', 'to_retake',
      'not_yet_started', 'late', 'on_time', 'enrolled', 'archived', 'overdue']), 0)::INTEGER,
    mean_progress, mean_score, median_global_time_ms
  FROM sessions
  LEFT JOIN summed USING (company_id, session_id)
  ORDER BY company_id, session_id)
TO (getvariable('out') || '/session_summary.parquet')
  (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);
