"""Microsoft NNI 3.0 on today's torch, known to this package alone."""
