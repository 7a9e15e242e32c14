"""Groups the convolutions whose channels go together, and chooses which of them go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from automl_plugins.pruners.channels.flow import ChannelFlow


@dataclass(frozen=True)
class ChannelGroup:
    """Convolutions that share one sparsity.

    Attributes:
        classes: Class of each output channel of a layer, by its name; layers in the order of the forward pass.
        reasons: Of each class that must stay.
        read: Classes of this group that a layer reads, for each layer: some of them must stay.
    """

    classes: Mapping[str, NDArray[np.int64]]
    reasons: Mapping[int, str]
    read: Sequence[frozenset[int]]

    @property
    def layers(self) -> list[str]:
        """Names, in the order of the forward pass."""
        return list(self.classes)

    @property
    def removable(self) -> list[int]:
        """Classes that may go, in the order of the channels."""
        found = dict.fromkeys(int(each) for classes in self.classes.values() for each in classes)
        return [each for each in found if each not in self.reasons]

    @property
    def reason(self) -> str | None:
        """Say why none of its channels may go, where none may."""
        if len(self.removable) > 1:
            return None
        return next(iter(self.reasons.values()), "they all go together")

    @property
    def is_regular(self) -> bool:
        """Whether any of its channels may go, and those of its layers go together one by one, in their order."""
        rows = list(self.classes.values())
        return (
            not self.reasons
            and all(len(read) in {0, len(self.removable)} for read in self.read)
            and len(set(rows[0].tolist())) == len(rows[0])
            and all(np.array_equal(row, rows[0]) for row in rows)
        )

    def chosen(self, scores: Mapping[str, NDArray[np.float64]], removals: Mapping[str, int]) -> set[int]:
        """Choose what goes: the lowest scores first, as long as no layer loses more than it should.

        Args:
            scores: Importance of each output channel, by layer.
            removals: How many channels each layer is to lose, by layer; others lose none.
        """
        total: dict[int, float] = {}
        counts: dict[int, dict[str, int]] = {each: {} for each in self.removable}
        for layer, classes in self.classes.items():
            own = scores[layer].tolist() if layer in scores else [0.0] * len(classes)
            for each, score in zip(classes.tolist(), own, strict=True):
                if each in counts:
                    total[each] = total.get(each, 0.0) + score
                    counts[each][layer] = counts[each].get(layer, 0) + 1
        left, gone = dict(removals), set[int]()
        for each in sorted(counts, key=lambda c: total[c] / sum(counts[c].values())):
            is_last = any(each in read and len(read - gone) == 1 for read in self.read)
            if not is_last and all(left.get(layer, 0) >= count for layer, count in counts[each].items()):
                gone.add(each)
                for layer, count in counts[each].items():
                    left[layer] -= count
        return gone


def channel_groups(flow: ChannelFlow) -> list[ChannelGroup]:
    """Group the convolutions of a network, in the order of the forward pass."""
    rows = {
        name: flow.classes_of(layer.outputs)
        for name, layer in flow.layers.items()
        if isinstance(layer.module, nn.Conv2d) and layer.outputs is not None
    }
    groups: list[list[str]] = []
    for name, row in rows.items():
        own = set(row.tolist())
        tied = [group for group in groups if any(own & set(rows[other].tolist()) for other in group)]
        groups = [group for group in groups if group not in tied] + [[*_flat(tied), name]]
    order = list(rows)
    groups = sorted((sorted(group, key=order.index) for group in groups), key=lambda group: order.index(group[0]))
    return [_group({name: rows[name] for name in group}, flow) for group in groups]


def _group(rows: Mapping[str, NDArray[np.int64]], flow: ChannelFlow) -> ChannelGroup:
    own = {each for row in rows.values() for each in row.tolist()}
    read = {
        frozenset(own.intersection(flow.classes_of(layer.inputs).tolist()))
        for layer in flow.layers.values()
        if layer.inputs is not None
    }
    return ChannelGroup(rows, {each: flow.reasons[each] for each in own if each in flow.reasons}, sorted(read, key=len))


def _flat(groups: Iterable[Sequence[str]]) -> list[str]:
    return [name for group in groups for name in group]
