"""The API's description of pages and scopes, as data; none of our code is used."""

# The number of documents on a page.
PAGE_SIZES = {
    "paths": 200,
    "paths/sessions": 500,
    "paths/{pathId}/enrollments": 5_000,
    "courses/stats": 500,
    "courses": 500,
    "classrooms": 500,
    "classrooms/{classroomId}/slots": 100,
    "classrooms/{classroomId}/registrations": 2_000,
    "webhooks/subscriptions/{subscriptionId}/events": 250,
    "users": 500,
    "paths/stats": 2_000,
}
# Which scope each endpoint needs, by the beginning of its route.
SCOPES = {
    "paths/stats": "pathStats:read",
    "paths/{pathId}/sessions/": "pathStats:read",
    "paths": "paths:read",
    "courses/stats": "courseStats:read",
    "courses": "courses:read",
    "classrooms": "classrooms:read",
    "users": "users:read",
    "groups": "groups:read",
    "webhooks": "webhooks:read",
}
# These answer with one document; the others with a list of them.
OF_ONE = {
    "paths/{pathId}/sessions/{sessionId}/user-statuses",
    "webhooks/subscriptions/{subscriptionId}",
    "webhooks/subscriptions/{subscriptionId}/secrets",
}


def scope_of(route: str) -> str:
    return next(scope for beginning, scope in SCOPES.items() if route.startswith(beginning))
