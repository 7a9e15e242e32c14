"""What can be read off a plain network, and done to it, whatever trained it."""
