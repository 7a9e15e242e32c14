"""The metrics that ship, a file each; see ``plugins/README.md``."""
