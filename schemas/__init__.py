"""The words: tables, columns, units and meanings; the error tree; where things lie; the manifest."""
