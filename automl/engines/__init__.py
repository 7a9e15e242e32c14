"""Runs the trials of a search: on Ray, or in this process."""
