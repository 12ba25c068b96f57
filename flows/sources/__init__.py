"""Extract the six input tables from a source as files, in full or as changes."""
