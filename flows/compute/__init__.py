"""Compute: from the warehouse to the rows of a release, part by part."""
