"""Runs one trial: from a recipe to a measured artifact."""
