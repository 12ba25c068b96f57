"""The served endpoints of the API, with their page size, scope and filters."""

from sandbox.lists import Endpoint

PUBLISHED, ARCHIVED = "published", "archived"

ENDPOINTS = {
    "paths": Endpoint(200, "paths:read", ("createdAt", "modifiedAt", "status")),
    "paths/sessions": Endpoint(
        500, "paths:read", ("createdAt", "endDate", "modifiedAt", "pathId", "sessionId", "startDate")
    ),
    "paths/{pathId}/enrollments": Endpoint(
        5_000, "paths:read", ("createdAt", "modifiedAt", "sessionId", "status"), PUBLISHED
    ),
    "courses/stats": Endpoint(500, "courseStats:read", ("completedAt", "courseId", "userId")),
    "courses": Endpoint(
        500,
        "courses:read",
        (
            "authorId",
            "coAuthorIds",
            "collaborativeLearning",
            "createdAt",
            "groupId",
            "modifiedAt",
            "originalAuthorId",
            "sourceLang",
            "status",
            "tagIds",
            "type",
        ),
    ),
    "classrooms": Endpoint(500, "classrooms:read", ("createdAt", "groupId", "modifiedAt")),
    "classrooms/{classroomId}/slots": Endpoint(100, "classrooms:read", ("createdAt", "modifiedAt")),
    "classrooms/{classroomId}/registrations": Endpoint(2_000, "classrooms:read"),
    "users": Endpoint(500, "users:read", ("mail", "status", "username")),
    # The API's description has no page size for groups and subscriptions.
    "groups": Endpoint(500, "groups:read"),
    "users/{userId}/certificates": Endpoint(1_000, "users:read", ("deliveryDate", "expirationDate")),
    "paths/stats": Endpoint(
        2_000, "pathStats:read", ("completedAt", "pathId", "status", "userId"), PUBLISHED
    ),
    "paths/{pathId}/sessions/{sessionId}/user-statuses": Endpoint(1, "pathStats:read", is_one=True),
    "webhooks/subscriptions": Endpoint(500, "webhooks:read", ("eventType",)),
    "webhooks/subscriptions/{subscriptionId}": Endpoint(1, "webhooks:read", is_one=True),
    "webhooks/subscriptions/{subscriptionId}/events": Endpoint(250, "webhooks:read", ("createdAt", "status")),
    "webhooks/subscriptions/{subscriptionId}/secrets": Endpoint(1, "webhooks:read", is_one=True),
}
SCOPES = tuple(dict.fromkeys(endpoint.scope for endpoint in ENDPOINTS.values()))
