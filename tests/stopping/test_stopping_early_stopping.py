"""Successive halving promotes the best quarter of a rung, in every objective, and comes back after a restart."""

import numpy as np
import pytest

from automl.core.pareto import non_dominated
from automl.stopping.early_stopping import Rungs, SuccessiveHalving


@pytest.mark.parametrize(("whole", "epochs"), [(1, ()), (5, ()), (6, (2,)), (9, (2,)), (30, (3,)), (200, (20,))])
def test_the_rung_stands_at_a_tenth_and_never_late(whole, epochs):
    assert Rungs.of(whole).epochs == epochs


def test_a_rung_leads_to_the_next_and_the_last_to_the_end():
    rungs = Rungs(epochs=(3, 10), reduction=3)
    assert [rungs.after(epoch) for epoch in (0, 3, 10)] == [3, 10, None]


THIRDS = Rungs(epochs=(3, 9), reduction=3)


def run(losses, *, rungs):
    """Start all trials, and promote between two starts as long as something may be."""
    halving, epochs = SuccessiveHalving(rungs), {}
    reached = {}
    for number, point in enumerate(losses):
        reached[number] = {rungs.epochs[0]: point}
        halving.note(number, reached[number], is_paused=True)
        epochs[number] = rungs.epochs[0]
        while (promoted := halving.promote()) is not None:
            target = rungs.after(epochs[promoted])
            epochs[promoted] = target or 0  # 0: the whole
            if target is not None:
                reached[promoted] = {**reached[promoted], target: losses[promoted]}
                halving.note(promoted, reached[promoted], is_paused=True)
    return epochs, reached, halving


def test_a_third_goes_on_at_each_rung():
    generator = np.random.default_rng(0)
    losses = [(generator.random(), generator.random()) for _ in range(90)]
    epochs, _, _ = run(losses, rungs=THIRDS)
    assert sum(value != 3 for value in epochs.values()) == pytest.approx(30, abs=1)
    assert sum(value == 0 for value in epochs.values()) == pytest.approx(10, abs=1)


def test_trials_that_are_best_in_different_objectives_both_go_on():
    losses = [(1.0, 0.0), (0.9, 0.9), (0.0, 1.0), (0.8, 0.95), (0.95, 0.95), (0.99, 0.99)]
    epochs, _, _ = run(losses, rungs=Rungs(epochs=(3,), reduction=3))
    assert {number for number, value in epochs.items() if value == 0} >= {0, 2}


def test_nobody_goes_on_who_is_dominated_by_one_that_does_not():
    generator = np.random.default_rng(1)
    losses = [(generator.random(), generator.random()) for _ in range(60)]
    halving = SuccessiveHalving(Rungs(epochs=(3,), reduction=3))
    for number, point in enumerate(losses):
        halving.note(number, {3: point}, is_paused=True)
    promoted = [halving.promote() for _ in range(20)]
    assert halving.promote() is None
    front = non_dominated(losses)
    assert set(front) <= set(promoted) or len(front) > 20


def test_a_restart_goes_on_where_the_run_before_it_ended():
    generator = np.random.default_rng(2)
    losses = [(generator.random(), generator.random()) for _ in range(50)]
    epochs, reached, before = run(losses, rungs=THIRDS)
    after = SuccessiveHalving(THIRDS)
    for number, rungs in reached.items():
        after.note(number, rungs, is_paused=epochs[number] != 0)
    assert after.promote() is None
    for halving in (before, after):
        halving.note(50, {3: (-1.0, -1.0)}, is_paused=True)
        halving.note(51, {3: (2.0, 2.0)}, is_paused=True)
    assert before.promote() == after.promote() == 50


@pytest.mark.parametrize(("trials", "promoted"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (11, 2), (12, 3)])
def test_no_more_than_a_whole_quarter_of_a_rung_goes_on(trials, promoted):
    halving = SuccessiveHalving(Rungs(epochs=(3,), reduction=4.0))
    for number in range(trials):
        halving.note(number, {3: (float(number), float(-number))}, is_paused=True)
    assert halving.may_promote is (promoted > 0)
    found = [halving.promote() for _ in range(promoted)]
    assert None not in found
    assert len(set(found)) == promoted
    assert halving.promote() is None
    assert not halving.may_promote


def test_a_promoted_trial_that_ends_takes_one_place_of_its_rung():
    halving = SuccessiveHalving(Rungs(epochs=(3,), reduction=4.0))
    for number in range(7):
        halving.note(number, {3: (float(number),)}, is_paused=True)
    assert halving.promote() == 0
    halving.note(0, {3: (0.0,)}, is_paused=False)
    assert halving.promote() is None, "seven reached the rung, not eight"
    halving.note(7, {3: (7.0,)}, is_paused=True)
    assert halving.promote() == 1, "one of the two places is taken, not both"
    assert halving.promote() is None
