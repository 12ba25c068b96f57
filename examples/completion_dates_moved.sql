-- Which published completion dates moved or vanished, and why?
SELECT company_id, session_id, user_id, old_value AS before, new_value AS now, cause
FROM status_changes
WHERE field = 'completed_at' AND old_value IS NOT NULL
ORDER BY company_id, session_id, user_id, enrollment_id
