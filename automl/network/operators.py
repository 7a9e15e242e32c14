"""Operators that combine tensors, as modules: what has a name can be put on a grid, and found again in the file."""

import torch
from torch import Tensor, nn


class Sum(nn.Module):
    """The sum of two tensors."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Add two tensors whose shapes broadcast."""
        return left + right


class Product(nn.Module):
    """The product of two tensors, value by value: a gate and what it lets through."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Multiply two tensors whose shapes broadcast."""
        return left * right


class MatrixProduct(nn.Module):
    """The matrix product of two tensors."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Multiply (…, n, k) with (…, k, m)."""
        return torch.matmul(left, right)


class Concatenation(nn.Module):
    """Tensors side by side.

    Args:
        dim: The dimension along which they lie.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *parts: Tensor) -> Tensor:
        """Join tensors that differ in this dimension alone."""
        return torch.cat(parts, self.dim)

    def extra_repr(self) -> str:
        """Name the dimension."""
        return f"dim={self.dim}"
