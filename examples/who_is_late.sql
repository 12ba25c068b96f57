-- Who is late (R18), since when, and by how many steps?
SELECT company_id, session_id, user_id, late_since, overdue_steps
FROM path_session_stats
WHERE is_current AND is_late
ORDER BY late_since, company_id, session_id, user_id
