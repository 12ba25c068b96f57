-- Who is late, and since when? Late: a required step is overdue, and the learner can still act on it (R18).
SELECT s.company_id, s.session_id, s.user_id, min(t.due_at) AS late_since, count(*) AS steps_overdue
FROM path_session_stats s JOIN step_stats t USING (company_id, enrollment_id)
WHERE s.is_current AND s.archived_at IS NULL AND s.overdue_steps > 0
  AND s.detailed_status_type IN ('late', 'notYetStarted', 'onTime', 'toRetake')
  AND t.overdue AND NOT t.optional
GROUP BY ALL
ORDER BY late_since, s.company_id, s.session_id, s.user_id
