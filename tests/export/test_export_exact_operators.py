"""What torch computes is what the file computes, operator by operator, also where torch's exporter has it otherwise."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.core.image import ImageShape
from automl.core.quantization import ActivationQuantization, Quantization
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx, onnx_bytes
from automl.measure.answers import predict
from automl.onnx_session import open_session
from automl.pipeline.simulation import simulated_logits
from automl.testing.context import NORMALIZATION

SHAPE = ImageShape(3, 12, 12)
IMAGES = np.random.default_rng(0).integers(0, 256, (32, *SHAPE), np.uint8)


class Function(nn.Module):
    """Calls a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values)


class Around(nn.Module):
    """One operator between a layer and a classifier, on values of both signs.

    Args:
        operator: From (N, 8, 12, 12) to any shape.
    """

    def __init__(self, operator: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.before, self.operator = nn.Conv2d(3, 8, 3, padding=1), Function(lambda x: x * 3), operator
        features = operator.eval()(torch.zeros(2, 8, 12, 12))[0].numel()
        self.flatten, self.classifier = nn.Flatten(), nn.Linear(features, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.flatten(self.operator(self.before(self.conv(images)))))


def sizes_of_an_idiom(x: Tensor) -> Tensor:
    n, c, h, w = x.size()
    return x.view(n, 1, c, h * w).squeeze(1)


def convolved(x: Tensor) -> Tensor:
    """Blur each channel by one kernel, whose shape the exporter sees as computed."""
    kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
    return functional.conv2d(x, kernel.expand(x.shape[1], 1, 3, 3), stride=2, groups=x.shape[1])


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "convolution with a kernel that is computed": convolved,
    "floor division": lambda x: x // 0.7,
    "floor division by a negative": lambda x: x // -0.7,
    "floor division of tensors": lambda x: x // (x.abs() + 0.5),
    "division rounded down": lambda x: torch.div(x, 0.7, rounding_mode="floor"),
    "division rounded to zero": lambda x: torch.div(x, 0.7, rounding_mode="trunc"),
    "division": lambda x: (x * 3).long() / 2,
    "floor division of integers": lambda x: ((x * 3).long() // 2).float(),
    "floor division of sizes": lambda x: x[:, : x.size(1) // 3] * (x.shape[2] // 5),
    "modulo": lambda x: x % 0.7,
    "modulo of a negative": lambda x: x % -0.7,
    "modulo of integers": lambda x: ((x * 3).long() % 2).float(),
    "round half to even": lambda x: ((x * 2).floor() / 2).round(),
    "trunc": torch.trunc,
    "frac": torch.frac,
    "expm1": torch.expm1,
    "where of integers": lambda x: torch.where(x > 0, 1, 0) * x,
    "boolean mask": lambda x: x * (x > 0.2),
    "clamp by tensors": lambda x: torch.clamp(x, torch.tensor(-0.3), torch.tensor(0.4)),
    "einsum": lambda x: torch.einsum("nchw,nkhw->nck", x, x),
    "unbiased variance": lambda x: x.var(1, keepdim=True),
    "argmax": lambda x: x.argmax(1).float(),
    "cumsum": lambda x: x.cumsum(1),
    "flip": lambda x: x.flip(1, 3),
    "roll": lambda x: x.roll((1, -2), (2, 3)),
    "strides": lambda x: x[:, :, 1::2, :-1],
    "unfold": lambda x: x.unfold(2, 4, 3).mean(-1),
    "tile": lambda x: x.tile(1, 1, 2, 1),
    "diagonal": lambda x: x.diagonal(dim1=2, dim2=3),
    "squeeze after computed sizes": sizes_of_an_idiom,
    "squeeze of another size": lambda x: x.view(x.size(0), 2, -1, x.size(3)).squeeze(1),
    "squeeze of several": lambda x: torch.squeeze(x.mean((2, 3), keepdim=True), (2, 3)),
    "attention": lambda x: functional.scaled_dot_product_attention(x, x, x),
    "padding by reflection": lambda x: functional.pad(x, (1, 2, 3, 0), "reflect"),
    "padding in a circle": lambda x: functional.pad(x, (1, 2, 3, 0), "circular"),
    "negative padding": lambda x: functional.pad(x, (-1, 2, -2, 0)),
    "average pool to no divisor": lambda x: functional.adaptive_avg_pool2d(x, (5, 24)),
    "average pool to the width": lambda x: functional.adaptive_avg_pool2d(x, (None, 3)),
    "average pool to a divisor": lambda x: functional.adaptive_avg_pool2d(x, (4, 6)),
    "average pool of vectors": lambda x: functional.adaptive_avg_pool1d(x.flatten(2), 7),
    "largest of no divisor": lambda x: functional.adaptive_max_pool2d(x, (5, 7)),
    "largest of vectors": lambda x: functional.adaptive_max_pool1d(x.flatten(2), 7),
    "area": lambda x: functional.interpolate(x, size=5, mode="area"),
    "nearest": lambda x: functional.interpolate(x, size=17),
    "nearest by a scale": lambda x: functional.interpolate(x, scale_factor=1.7),
    "nearest exactly": lambda x: functional.interpolate(x, size=17, mode="nearest-exact"),
    "nearest exactly by a scale": lambda x: functional.interpolate(x, scale_factor=1.7, mode="nearest-exact"),
    "bilinear": lambda x: functional.interpolate(x, size=(17, 7), mode="bilinear"),
    "bilinear by corners": lambda x: functional.interpolate(x, size=(17, 7), mode="bilinear", align_corners=True),
    "bilinear without aliases": lambda x: functional.interpolate(x, size=(7, 17), mode="bilinear", antialias=True),
    "bicubic": lambda x: functional.interpolate(x, size=(17, 7), mode="bicubic"),
    "bicubic without aliases": lambda x: functional.interpolate(x, size=(7, 9), mode="bicubic", antialias=True),
    "without aliases by a scale": lambda x: functional.interpolate(
        x, scale_factor=0.6, mode="bilinear", antialias=True
    ),
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "padding as wide as dilated": lambda: nn.Conv2d(8, 4, 3, padding="same", dilation=2),
    "padding as wide as even": lambda: nn.Conv2d(8, 4, 4, padding="same", dilation=3),
    "no padding": lambda: nn.Conv2d(8, 4, 3, padding="valid"),
    "transposed convolution": lambda: nn.ConvTranspose2d(8, 4, 3, 2, 1, 1),
    "response normalisation": lambda: nn.LocalResponseNorm(5, alpha=0.5),
    "response normalisation of an even size": lambda: nn.LocalResponseNorm(4, alpha=0.5),
    "group normalisation": lambda: nn.GroupNorm(4, 8),
    "instance normalisation": lambda: nn.InstanceNorm2d(8, affine=True),
    "instance normalisation with statistics": lambda: nn.InstanceNorm2d(8, track_running_stats=True),
    "normalisation by the root": lambda: nn.RMSNorm(12),
    "largest, dilated, up to the border": lambda: nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
    "power pool": lambda: nn.LPPool2d(2, 3, 2, ceil_mode=True),
    "shuffle of channels": lambda: nn.ChannelShuffle(2),
    "softplus with an early end": lambda: nn.Softplus(beta=2, threshold=1),
    "softplus": lambda: nn.Softplus(beta=0.5),
    "threshold": lambda: nn.Threshold(0.2, -3.0),
    "gelu by tanh": lambda: nn.GELU("tanh"),
    "celu": lambda: nn.CELU(0.5),
    "glu": lambda: nn.GLU(1),
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "softmax of rows": lambda: nn.Softmax(3),
}
POOLS = {
    "to the border": lambda: nn.AvgPool2d(3, 2, ceil_mode=True),
    "to the border, wide": lambda: nn.AvgPool2d(5, 3, ceil_mode=True),
    "to the border, padded": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "to the border, padding not counted": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    "padded": lambda: nn.AvgPool2d(3, 2, 1),
    "padding not counted": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "own divisor": lambda: nn.AvgPool2d(3, 2, divisor_override=2),
    "own divisor, padded": lambda: nn.AvgPool2d((2, 3), (1, 2), (0, 1), divisor_override=4),
    "own divisor, to the border": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, divisor_override=4),
    "of vectors": lambda: nn.Sequential(nn.Flatten(2), nn.AvgPool1d(5, 3, ceil_mode=True)),
    "of volumes": lambda: nn.Sequential(nn.Unflatten(1, (2, 4)), nn.AvgPool3d(3, 2, 1, divisor_override=5)),
    "plain": lambda: nn.AvgPool2d(2),
}


def gap(model: nn.Module, folder, quantization: Quantization | None = None, images=IMAGES) -> float:
    """Give the largest difference of the answers of torch and of the file, in parts of their spread."""
    path = folder / "model.onnx"
    export_onnx(model.eval(), path, image_shape=SHAPE, normalization=NORMALIZATION, quantization=quantization)
    expected = simulated_logits(model, quantization, images, NORMALIZATION)
    return float(np.abs(predict(path, images) - expected).max() / expected.std())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", [*FUNCTIONS, *MODULES, *POOLS])
def test_file_computes_what_torch_computes(name, tmp_path):
    operator = Function(FUNCTIONS[name]) if name in FUNCTIONS else (MODULES | POOLS)[name]()
    assert gap(Around(operator), tmp_path) < 1e-4


def test_division_rounds_the_exact_quotient_down(tmp_path):
    """1.0 / 0.1 is 10, and 1.0 // 0.1 is 9: the float closest to 0.1 is larger than a tenth."""
    tenths = torch.arange(-30, 31) / 10
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), Function(lambda x: (x[:, :61] * 0 + tenths) // 0.1), nn.Linear(61, 5))
    assert gap(model, tmp_path, images=IMAGES[:2]) < 1e-5


def test_squeeze_keeps_the_number_of_images():
    """torch would take it out as well where it is one; whoever writes squeeze() means the pixels."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 12), Function(lambda x: x.squeeze()), nn.Linear(8, 5))
    content = onnx_bytes(model, image_shape=SHAPE, normalization=NORMALIZATION, quantization=None)
    logits = open_session(content).run(None, {"image": IMAGES[:1]})[0]
    assert logits.shape == (1, 5)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("is_signed", [True, False])
def test_average_pool_between_grids_computes_what_was_simulated(name, is_signed, tmp_path):
    """The runtime's kernel for integers divides by the whole window, wherever that reaches over the border."""
    model = Around(POOLS[name]())
    model.before = nn.Identity() if is_signed else nn.ReLU()
    grid = ActivationQuantization(0.01, 128 if is_signed else 0)
    quantization = Quantization(outputs={"conv" if is_signed else "before": grid, "operator": grid})
    assert gap(model, tmp_path, quantization) < 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(8, 8, 3)),
        lambda: nn.ConvTranspose2d(8, 8, 3),
        lambda: nn.Conv2d(8, 8, 3),
    ],
)
def test_runtime_puts_no_real_weight_on_a_grid_of_its_own(make, tmp_path):
    """It would, with one scale for all channels, where one is a hundred times as large as the others."""
    model = Around(make())
    layer = model.operator[-1] if isinstance(model.operator, nn.Sequential) else model.operator
    layer.weight.data[0] *= 100
    quantization = Quantization(
        outputs={"before": ActivationQuantization(0.03, 128), "operator": ActivationQuantization(0.3, 128)}
    )
    model.classifier.weight.data[:, : model.classifier.in_features // 8] = 0  # of the large channel
    assert gap(model, tmp_path, quantization) < 0.15


@pytest.mark.parametrize(
    "function", [lambda x: functional.dropout(x, 0.5), lambda x: x + torch.rand(x.shape[1:]), torch.randn_like]
)
def test_answers_at_random_are_refused(function):
    with pytest.raises(InfeasibleError, match="draws random numbers in evaluation mode, too"):
        onnx_bytes(Around(Function(function)), image_shape=SHAPE, normalization=NORMALIZATION, quantization=None)


def test_layers_with_equal_weights_share_one_tensor(tmp_path):
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
    second.load_state_dict(first.state_dict())
    model = nn.Sequential(first, nn.ReLU(), second, nn.Flatten(), nn.Linear(3 * 144, 5))
    assert gap(model, tmp_path) < 1e-4
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert "Identity" not in {node.op_type for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert convolutions[0].input[1:] == convolutions[1].input[1:]
