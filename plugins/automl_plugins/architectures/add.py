"""Addition as a module: a quantizer can only name what is one."""

from torch import Tensor, nn


class Add(nn.Module):
    """The sum of a residual branch and its shortcut, in place of a functional ``+``."""

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        """Add two tensors of one shape."""
        return branch + shortcut
