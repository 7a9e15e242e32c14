"""Says how large and how fast a network will be, before an epoch is spent on it."""
