"""Decides which trials go on."""
