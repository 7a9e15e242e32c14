"""The tests of the second package run where it is installed, see ``test_third_party_kinds.py``."""

collect_ignore_glob = ["automl-battery/*"]
