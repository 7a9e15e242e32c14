"""Translates a deployed ONNX file into the operators of LiteRT."""
