"""Measures the file that is deployed: accuracy, size, latency."""
