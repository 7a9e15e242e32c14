"""Compares ways of ending trials early on the tabulated learning curves of the digits space.

Each way is given the same networks in the same random order. What counts is the hypervolume of the networks that it
trains to the end (accuracy against size and latency; reference: 20 % error, the largest size and latency), as a share
of what training all of them would give, and the epochs that it spends, likewise.

Usage: python benchmarks/search/early_stopping.py [SEEDS]; digits_curves.py makes the table
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from automl.core.pareto import Losses, hypervolume, non_dominated
from automl.search_problem import SearchProblem
from automl.spaces.load import load_space
from automl.stopping.early_stopping import Rungs, SuccessiveHalving
from automl.stopping_rule import Curve, StoppingRule
from automl_plugins.stopping.median import Median

TABLE = Path(__file__).parent / "digits_curves.jsonl"
NETWORKS = 80
REFERENCE = (0.2, 1.0, 1.0)


class Curves(NamedTuple):
    """The table: validation accuracy (networks, epochs), and size and latency as shares of the largest."""

    accuracy: np.ndarray
    size: np.ndarray
    latency: np.ndarray

    @property
    def whole(self) -> int:
        """Epochs of a whole fit."""
        return self.accuracy.shape[1]

    def losses(self, network: int, epoch: int) -> Losses:
        """Judge a network in all objectives."""
        error = 1 - self.accuracy[network, epoch - 1]
        return (float(error), float(self.size[network]), float(self.latency[network]))

    def error(self, network: int, epoch: int) -> Losses:
        """Judge a network by its accuracy alone."""
        return self.losses(network, epoch)[:1]

    def volume(self, networks: Sequence[int]) -> float:
        """Measure the front of networks that were trained to the end."""
        points = [self.losses(network, self.whole) for network in networks]
        return hypervolume([points[index] for index in non_dominated(points)], REFERENCE)


def read_curves() -> Curves:
    """Read the table."""
    rows = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]
    size, latency = (np.array([row[name] for row in rows]) for name in ("size_bytes", "latency_ms"))
    return Curves(np.array([row["accuracy"] for row in rows]), size / size.max(), latency / latency.max())


def run(order: Sequence[int], whole: int, rungs: Rungs, judge: Callable[[int, int], Losses]) -> tuple[list[int], int]:
    """Search as a session does: whenever a worker is free, promote if that is allowed, or begin the next network.

    Returns:
        The networks that were trained to the end, and the epochs that all took.
    """
    halving, done, spent = SuccessiveHalving(rungs), [], 0
    reached: dict[int, dict[int, Losses]] = {}
    for network in order:
        first = rungs.epochs[0]
        spent += first
        reached[network] = {first: judge(network, first)}
        halving.note(network, reached[network], is_paused=True)
        while (promoted := halving.promote()) is not None:
            at = max(reached[promoted])
            target = rungs.after(at)
            spent += (target or whole) - at
            if target is None:
                done.append(promoted)
            else:
                reached[promoted][target] = judge(promoted, target)
                halving.note(promoted, reached[promoted], is_paused=True)
    return done, spent


def run_watched(order: Sequence[int], curves: Curves, rule: StoppingRule) -> tuple[list[int], int]:
    """Search with a rule that looks at each network after each of its epochs, on one worker.

    Returns:
        As ``run`` does.
    """
    earlier: list[Curve] = []
    done, spent = [], 0
    for network in order:
        scores: dict[int, float] = {}
        is_stopped = False
        for epoch in range(1, curves.whole):
            scores[epoch] = float(curves.accuracy[network, epoch - 1])
            is_stopped = rule.stops(scores, earlier)
            if is_stopped:
                break
        earlier.append(Curve(scores, is_complete=not is_stopped))
        spent += len(scores) if is_stopped else curves.whole
        if not is_stopped:
            done.append(network)
    return done, spent


def main(seeds: int) -> None:
    """Print a line a way."""
    curves = read_curves()
    ours, thirds = Rungs.of(curves.whole), Rungs((3, 10), 3)
    space = load_space("digits")
    median = Median(SearchProblem(space, space.objectives, seed=0))
    ways: dict[str, Callable[[Sequence[int]], tuple[list[int], int]]] = {
        "`asha`: rank, then spread; one rung, one in four": partial(
            run, whole=curves.whole, rungs=ours, judge=curves.losses
        ),
        "the same, rungs of MO-ASHA (3, 10; one in three)": partial(
            run, whole=curves.whole, rungs=thirds, judge=curves.losses
        ),
        "ASHA on accuracy alone (3, 10; one in three)": partial(
            run, whole=curves.whole, rungs=thirds, judge=curves.error
        ),
        "ASHA on accuracy alone, our rung": partial(run, whole=curves.whole, rungs=ours, judge=curves.error),
        "`median`, on accuracy alone": partial(run_watched, curves=curves, rule=median),
    }
    print(f"{len(curves.size)} networks tabulated, {NETWORKS} a search, {seeds} searches\n")
    print("| way | share of the hypervolume | share of the epochs | trained to the end |\n|---|---|---|---|")
    for name, way in ways.items():
        found = []
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(curves.size))[:NETWORKS].tolist()
            done, spent = way(order)
            found.append((curves.volume(done) / curves.volume(order), spent / (curves.whole * len(order)), len(done)))
        volume, epochs, count = np.mean(found, axis=0)
        deviation = np.std([volume for volume, *_ in found])
        print(f"| {name} | {100 * volume:.1f} % (± {100 * deviation:.1f}) | {100 * epochs:.1f} % | {count:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
