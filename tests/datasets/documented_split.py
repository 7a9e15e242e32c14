"""Cuts a data set as the documentation says, one image at a time."""

import numpy as np


def documented_split(labels, *, has_test=False):
    """Give the indices of train, validation and test; of train and validation alone beside a published test set."""
    labels = np.asarray(labels)
    n = len(labels)
    cuts, share = (1, min(5000, n // 5) / n) if has_test else (2, 1 / 5)
    order = np.random.default_rng(0).permutation(n)
    room = {}
    for label in set(labels.tolist()):
        count = int((labels == label).sum())
        held_out = min(max(round(count * share), 1), (count - 1) // cuts)
        room[label] = [*([held_out] * cuts), count]
    parts = [[] for _ in range(cuts + 1)]
    for index in order:
        place = next(place for place, left in enumerate(room[labels[index]]) if left)
        room[labels[index]][place] -= 1
        parts[place].append(index)
    return parts[::-1]
