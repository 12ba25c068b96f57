-- Where do learners get stuck? Counts the first unsuccessful required step of each active learner.
WITH first_open AS (
  SELECT s.company_id, s.session_id, s.enrollment_id,
         arg_min(t.step_id, (t.position, t.step_id)) AS step_id
  FROM path_session_stats s JOIN step_stats t USING (company_id, enrollment_id)
  WHERE s.is_current AND s.archived_at IS NULL
    AND s.detailed_status_type NOT IN ('successful', 'unsuccessful', 'sessionNotOpened')
    AND NOT t.optional AND NOT t.successful
  GROUP BY ALL
)
SELECT company_id, session_id, step_id, count(*) AS learners
FROM first_open
GROUP BY ALL
ORDER BY learners DESC, company_id, session_id, step_id
