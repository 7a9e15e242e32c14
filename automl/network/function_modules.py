"""Says which functions of torch compute what a module of torch computes, and which module that is."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from automl.network.operators import Concatenation, MatrixProduct, Product, Sum

_IMAGE_DIMENSIONS = 4

Arguments = Mapping[str, Any]
"""Of a call, by the names that torch gives them; one that is left out is missing."""

Make = Callable[[Arguments, int], nn.Module | None]
"""From the arguments, and the number of dimensions of the first tensor, to a module; None where none does the same."""


class FunctionModule(NamedTuple):
    """How a function is written as a module.

    Attributes:
        names: Of the arguments of the function, in order.
        tensors: How many of them are tensors, or a sequence of tensors: the first ones.
        make: Gives the module for the arguments that follow the tensors.
        is_quantizable: Whether there is something to put on a grid: where nothing is, a network may stay as it is.
    """

    names: tuple[str, ...]
    tensors: int
    make: Make
    is_quantizable: bool = True


def function_module(target: object) -> FunctionModule | None:
    """Give the module form of a function, or of a method of tensors by its name; None where there is none."""
    try:
        return _FORMS.get(target)
    except TypeError:  # somebody's callable that has no hash
        return None


def _activation(kind: type[nn.Module], *fields: str) -> FunctionModule:
    """Describe a function that takes a tensor and the fields of its module under the same names."""

    def make(arguments: Arguments, _dimensions: int) -> nn.Module:
        return kind(**{field: arguments[field] for field in fields if field in arguments})

    return FunctionModule(("input", *fields, "inplace"), 1, make)


def _pool(kind: type[nn.Module], *fields: str) -> FunctionModule:
    def make(arguments: Arguments, dimensions: int) -> nn.Module | None:
        given = {field: arguments[field] for field in fields if field in arguments}
        if dimensions != _IMAGE_DIMENSIONS or given.get("return_indices"):
            return None
        if "stride" in given and not given["stride"]:
            del given["stride"]
        return kind(**given)

    return FunctionModule(("input", *fields), 1, make)


def _sum(arguments: Arguments, _dimensions: int) -> nn.Module | None:
    return Sum() if arguments.get("alpha", 1) == 1 else None


def _concatenation(arguments: Arguments, dimensions: int) -> nn.Module:
    dim = arguments.get("dim", 0)
    return Concatenation(dim % dimensions if isinstance(dim, int) else dim)


def _clamp(arguments: Arguments, _dimensions: int) -> nn.Module | None:
    match arguments.get("min"), arguments.get("max"):
        case 0, None:
            return nn.ReLU()
        case 0, 6:
            return nn.ReLU6()
        case _:
            return None


def _hardtanh(arguments: Arguments, _dimensions: int) -> nn.Module:
    low, high = arguments.get("min_val", -1.0), arguments.get("max_val", 1.0)
    return nn.ReLU6() if (low, high) == (0, 6) else nn.Hardtanh(low, high)


def _mean(arguments: Arguments, dimensions: int) -> nn.Module | None:
    """Write a mean over the pixels as the pool that it is: the runtime has an int8 kernel for that."""
    dim = arguments.get("dim")
    if dimensions != _IMAGE_DIMENSIONS or not isinstance(dim, Sequence) or arguments.get("dtype") is not None:
        return None
    if sorted(each % dimensions for each in dim) != [2, 3]:
        return None
    pool = nn.AdaptiveAvgPool2d(1)
    return pool if arguments.get("keepdim", False) else nn.Sequential(pool, nn.Flatten(1))


def _flatten(arguments: Arguments, _dimensions: int) -> nn.Module:
    return nn.Flatten(arguments.get("start_dim", 0), arguments.get("end_dim", -1))


_RELU, _SIGMOID, _TANH = _activation(nn.ReLU), _activation(nn.Sigmoid), _activation(nn.Tanh)
_SUM = FunctionModule(("input", "other", "alpha"), 2, _sum)
_PRODUCT = FunctionModule(("input", "other"), 2, lambda _arguments, _dimensions: Product())
_MATRIX_PRODUCT = FunctionModule(("input", "other"), 2, lambda _arguments, _dimensions: MatrixProduct())
_CONCATENATION = FunctionModule(("tensors", "dim"), 1, _concatenation)
_CLAMP = FunctionModule(("input", "min", "max"), 1, _clamp)
_MEAN = FunctionModule(("input", "dim", "keepdim", "dtype"), 1, _mean)
_FLATTEN = FunctionModule(("input", "start_dim", "end_dim"), 1, _flatten, is_quantizable=False)
_MAX_POOL = _pool(nn.MaxPool2d, "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVERAGE_POOL = _pool(
    nn.AvgPool2d, "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"
)

_FORMS: dict[object, FunctionModule] = {
    **dict.fromkeys((functional.relu, functional.relu_, torch.relu, torch.relu_, "relu", "relu_"), _RELU),
    **dict.fromkeys((functional.sigmoid, torch.sigmoid, torch.sigmoid_, "sigmoid", "sigmoid_"), _SIGMOID),
    **dict.fromkeys((functional.tanh, torch.tanh, torch.tanh_, "tanh", "tanh_"), _TANH),
    functional.relu6: _activation(nn.ReLU6),
    functional.hardswish: _activation(nn.Hardswish),
    functional.hardsigmoid: _activation(nn.Hardsigmoid),
    functional.silu: _activation(nn.SiLU),
    functional.mish: _activation(nn.Mish),
    functional.gelu: _activation(nn.GELU, "approximate"),
    functional.leaky_relu: _activation(nn.LeakyReLU, "negative_slope"),
    functional.elu: _activation(nn.ELU, "alpha"),
    functional.hardtanh: FunctionModule(("input", "min_val", "max_val", "inplace"), 1, _hardtanh),
    **dict.fromkeys((torch.clamp, torch.clip, "clamp", "clamp_", "clip"), _CLAMP),
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), _SUM),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_", "multiply"), _PRODUCT),
    **dict.fromkeys((operator.matmul, torch.matmul, torch.bmm, "matmul", "bmm"), _MATRIX_PRODUCT),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), _CONCATENATION),
    **dict.fromkeys((torch.mean, "mean"), _MEAN),
    **dict.fromkeys((torch.flatten, "flatten"), _FLATTEN),
    **dict.fromkeys((functional.max_pool2d, torch.max_pool2d), _MAX_POOL),
    functional.avg_pool2d: _AVERAGE_POOL,
    functional.adaptive_avg_pool2d: _pool(nn.AdaptiveAvgPool2d, "output_size"),
}
