"""Compares ways of ending trials early on the tabulated learning curves of the digits space.

Each way is given the same networks in the same random order. What counts is the hypervolume of the networks that it
trains to the end (accuracy against size and latency; reference: 20 % error, the largest size and latency), as a share
of what training all of them would give, and the epochs that it spends, likewise.

Usage: python benchmarks/search/early_stopping.py [SEEDS]; digits_curves.py makes the table
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from automl.core.pareto import Losses, hypervolume, non_dominated
from automl.stopping.early_stopping import Rungs, SuccessiveHalving

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


def main(seeds: int) -> None:
    """Print a line a way."""
    curves = read_curves()
    ours, thirds = Rungs.of(curves.whole), Rungs((3, 10), 3)
    ways = {
        "automl: rank, then spread; one rung, one in four": (ours, curves.losses),
        "the same, rungs of MO-ASHA (3, 10; one in three)": (thirds, curves.losses),
        "ASHA on accuracy alone (3, 10; one in three)": (thirds, curves.error),
        "ASHA on accuracy alone, automl's rung": (ours, curves.error),
    }
    print(f"{len(curves.size)} networks tabulated, {NETWORKS} a search, {seeds} searches\n")
    print("| way | share of the hypervolume | share of the epochs | trained to the end |\n|---|---|---|---|")
    for name, (rungs, judge) in ways.items():
        found = []
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(curves.size))[:NETWORKS].tolist()
            done, spent = run(order, curves.whole, rungs, judge)
            found.append((curves.volume(done) / curves.volume(order), spent / (curves.whole * len(order)), len(done)))
        volume, epochs, count = np.mean(found, axis=0)
        deviation = np.std([volume for volume, *_ in found])
        print(f"| {name} | {100 * volume:.1f} % (± {100 * deviation:.1f}) | {100 * epochs:.1f} % | {count:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
