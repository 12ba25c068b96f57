"""Releases: written under a temporary name, checked, and published as a whole."""
