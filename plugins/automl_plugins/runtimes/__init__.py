"""What opens deployed files: a file each, in the one that its runtime opens."""
