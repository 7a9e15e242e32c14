"""Pruners: which channels or weights go."""
