"""Proposes the points of a search."""
