"""Tables of trials and fronts for people."""
