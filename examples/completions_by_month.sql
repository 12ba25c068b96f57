-- How many complete, by session and month? By the day on which the path was earned, in UTC.
SELECT company_id, session_id, strftime(completed_at, '%Y-%m') AS month, count(*) AS completed
FROM path_session_stats
WHERE is_current AND archived_at IS NULL AND completed_at IS NOT NULL
GROUP BY ALL
ORDER BY company_id, session_id, month
