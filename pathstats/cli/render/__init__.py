"""Screens of the commands, as Rich renderables."""
