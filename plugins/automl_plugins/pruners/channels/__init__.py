"""Takes channels out of a network, so that it answers as the one whose channels are zero."""
