"""LSQ and LSQ+ with first grids that fit the tensor: NNI starts every scale at 0.01."""

import math
from typing import Any

import torch
from torch import Tensor

from automl_plugins.nni.compression import LsqPlusQuantizer, LsqQuantizer

_SMALLEST_SCALE = torch.finfo(torch.float32).eps


class FittedLsqQuantizer(LsqQuantizer):  # type: ignore[misc] # NNI has no types
    """LSQ that starts from its paper's scale, 2 mean|v| / sqrt(largest code), or from max|v| / largest code if smaller.

    The paper's scale is made for 2 to 4 bits; at 8 bits it leaves most codes unused.
    """

    def init_scale(self, wrapper: Any, target_name: str, target: Tensor) -> None:
        super().init_scale(wrapper, target_name, target)
        if self.is_init or not self.check_target(wrapper, target_name):
            return
        space = wrapper.quantization_target_spaces[target_name]
        magnitude = target.detach().abs()
        rows = magnitude.flatten(1) if space.scale.numel() == len(target) else magnitude.reshape(1, -1)
        first = torch.minimum(2 * rows.mean(dim=1) / math.sqrt(space.qmax), rows.amax(dim=1) / space.qmax)
        space.scale.data = first.clamp_min(_SMALLEST_SCALE).reshape(space.scale.shape)


class FittedLsqPlusQuantizer(LsqPlusQuantizer):  # type: ignore[misc] # NNI has no types
    """LSQ+ that starts from the range of the first batch."""

    def init_scale_zp(self, wrapper: Any, target_name: str, target: Tensor) -> None:
        super().init_scale_zp(wrapper, target_name, target)
        if self.is_init or not self.check_target(wrapper, target_name):
            return
        space = wrapper.quantization_target_spaces[target_name]
        low, high = target.detach().min().clamp_max(0.0), target.detach().max().clamp_min(0.0)
        scale = ((high - low) / (space.qmax - space.qmin)).clamp_min(_SMALLEST_SCALE)
        space.scale.data = scale.reshape(space.scale.shape)
        space.zero_point.data = (space.qmin - low / scale).reshape(space.zero_point.shape)
