"""Stopping rules that look at a trial while it trains."""
