"""Measure speed as a ratio to a floor from the same run: `make bench`, `make bench SIZE=1m`."""
