"""The fit loop."""
