"""Proposes points and runs trials."""
