"""The search spaces that ship with automl, as package data."""
