"""Declared search spaces: from a YAML file to a validated ``SearchSpace``."""
