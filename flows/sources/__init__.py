"""Sources: each delivers the six input tables as files, full or as changes."""
