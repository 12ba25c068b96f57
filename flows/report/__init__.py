"""Build the HTML pages: the report of a release, and the page of a session."""
