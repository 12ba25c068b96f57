"""Speed as a ratio in one run: `make bench`, `make bench SIZE=1m`."""
