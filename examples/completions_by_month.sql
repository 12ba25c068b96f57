-- How many learners completed, by session and month? The month is that of completed_at, in UTC.
SELECT company_id, session_id, strftime(completed_at, '%Y-%m') AS month, count(*) AS completed
FROM path_session_stats
WHERE is_current AND archived_at IS NULL AND completed_at IS NOT NULL
GROUP BY ALL
ORDER BY company_id, session_id, month
