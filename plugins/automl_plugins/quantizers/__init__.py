"""Quantizers: how many bits each layer keeps."""
