"""Samplers that are NNI's exploration strategies."""
