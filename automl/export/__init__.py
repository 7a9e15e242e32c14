"""Writes the file that is deployed."""
