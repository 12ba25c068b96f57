"""What people open: the report of a release, and the page of a session."""
