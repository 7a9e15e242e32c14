"""Networks: fixed ones, families with choices, and supernets that NNI trains."""
