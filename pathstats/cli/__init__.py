"""The command line. Heavy imports are inside the commands that need them, so that it starts fast."""
