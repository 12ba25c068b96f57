"""`GET /api/v1/paths/sessions/{sessionId}/stats/{userEmailOrId}` and its companions, over HTTP."""
