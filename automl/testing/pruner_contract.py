"""What the contract adds for pruners: the exported file lacks what was asked, in channels or in single weights."""

from collections.abc import Iterator
from pathlib import Path

from automl.measure.contents import LayerContents, file_contents
from automl.technique import Pruner
from automl.testing.context import context, trained
from automl.testing.layers import layers_in_order
from automl.testing.networks import NETWORKS, ODD_NETWORKS, SHAPE
from automl.testing.stage_contract import Asked, Case, Outcome, cases_of

_WEIGHT_TOLERANCE = 0.02


class PrunerContract:
    """Pruners: run on trained networks."""

    cases = cases_of(*NETWORKS, image_shape=SHAPE)
    odd_cases = cases_of(*ODD_NETWORKS, image_shape=SHAPE)

    def check(self, technique: Pruner, case: Case, asked: Asked) -> None:
        """Check the untrained network."""
        given = context(case.image_shape)
        technique.check(case.network(), asked.sparsity, given)

    def apply(self, technique: Pruner, case: Case, asked: Asked, *, seed: int) -> Outcome:
        """Prune the trained network."""
        model = trained(case.network)
        pruned = technique.prune(model, asked.sparsity, context(case.image_shape, seed=seed))
        return Outcome(pruned, None, trained(case.network), case.image_shape)

    def broken_promises(
        self, _technique: Pruner, case: Case, _outcome: Outcome, path: Path, asked: Asked
    ) -> Iterator[str]:
        """Each convolution lacks the asked share of its channels, or of its weights.

        The profile is the same for all layers, so that the groups in which a pruner works do not matter.
        """
        layers = layers_in_order(trained(case.network), context().calibration[:2])
        share = asked.sparsity.level
        for (name, layer), found in zip(layers.items(), file_contents(path), strict=True):
            channels = layer.weight.shape[0]
            if found.is_convolution and found.shape[0] < channels:
                yield from _wrong_channels(name, channels, found, share, asked.channel_multiple)
            elif found.is_convolution and channels > asked.channel_multiple:
                yield from _wrong_zeros(name, found, share)


def _wrong_channels(name: str, channels: int, found: LayerContents, share: float, multiple: int) -> Iterator[str]:
    kept = channels * (1 - share)
    if abs(found.shape[0] - kept) > max(1, multiple / 2):
        yield f"layer {name!r} was to keep {kept:g} of {channels} channels; the file holds {found.shape[0]}"


def _wrong_zeros(name: str, found: LayerContents, share: float) -> Iterator[str]:
    if abs(found.zeros - share * found.size) > 1 + _WEIGHT_TOLERANCE * found.size:
        yield (
            f"layer {name!r} was to lose {share:.0%} of its channels or weights; "
            f"in the file it has all channels, and {found.zeros / found.size:.0%} of its weights are zero"
        )
