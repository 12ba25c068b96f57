"""Publishing: a release is written beside, checked, and appears as a whole."""
