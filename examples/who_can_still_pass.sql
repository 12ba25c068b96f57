-- Who can still pass, and how many steps are left? Ordered by the session's end, open-ended ones last.
SELECT s.company_id, s.session_id, s.user_id, s.detailed_status_type AS standing,
       s.required_steps - s.required_steps_finished AS steps_left, p.ends_at
FROM path_session_stats s JOIN path_sessions p USING (company_id, session_id)
WHERE s.is_current AND s.archived_at IS NULL
  AND s.detailed_status_type NOT IN ('successful', 'unsuccessful')
ORDER BY p.ends_at NULLS LAST, s.company_id, s.session_id, s.user_id
