"""DoReFa, BNN and k-means train under batch normalisation, and their grids survive its folding."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans as SklearnKMeans
from torch import Tensor, nn

from automl.errors import InfeasibleError
from automl.network.grids import put_on_grid
from automl.registry import technique_class
from automl.technique import Profile, QuantizedModel, Quantizer, WeightQuantization
from automl.testing.context import context, logits, split, trained
from automl.testing.networks import depthwise, plain, residual
from automl_plugins.quantizers._codebook import centres, share_values, stop_sharing
from automl_plugins.quantizers._folded_grids import fold_on_grids, fold_signs
from automl_plugins.quantizers._scaled_weights import rounded_to_odd_multiples

NAMES = ["dorefa", "bnn", "kmeans"]
FOUR_BITS = Profile(level=4, low=2, high=8)


def quantizer(name: str) -> Quantizer:
    used = technique_class(name)()
    assert isinstance(used, Quantizer)
    return used


def quantize(name: str, model: nn.Module, bits: Profile = FOUR_BITS) -> QuantizedModel:
    used = quantizer(name)
    return used.quantize(used.prepared(model, context().calibration), bits, context())


def accuracy(model: nn.Module) -> float:
    return float((logits(model).argmax(1).numpy() == split().labels).mean())


def with_wild_normalisation(model: nn.Module) -> nn.Module:
    """Let normalisations scale by both signs, and one channel of each not at all."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data = torch.randn(module.num_features, generator=generator)
            module.weight.data[0] = 0
            module.running_mean = torch.randn(module.num_features, generator=generator)
            module.running_var = torch.rand(module.num_features, generator=generator) + 0.5
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", [plain, residual])
def test_trained_weights_keep_the_accuracy(name, network):
    assert accuracy(quantize(name, trained(network), Profile(level=2, low=2, high=8)).model) > 0.97


@pytest.mark.parametrize("name", NAMES)
def test_no_batch_norm_is_left(name):
    model, _ = quantize(name, trained(residual))
    assert not [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


@pytest.mark.parametrize("levels", [(-1, 1), (-3, -1, 1, 3), (-127, 0, 127)])
def test_folding_on_grids_leaves_the_function(levels):
    model = with_wild_normalisation(trained(residual))
    grids = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            scale = (float(module.weight.detach().abs().max()) / levels[-1],) * len(module.weight)
            grids[name] = WeightQuantization(8, scale, levels)
            put_on_grid(module.weight, grids[name])
    expected = logits(model)
    folded, quantization = fold_on_grids(model, grids, context().calibration)
    torch.testing.assert_close(logits(folded), expected, rtol=1e-4, atol=1e-4)
    for name, grid in quantization.weights.items():
        weight = folded.get_submodule(name).weight.detach().flatten(1)
        codes = torch.round(weight / torch.tensor(grid.scale)[:, None])
        assert set(codes.unique().tolist()) <= set(levels)


def test_codebook_without_symmetry_survives_a_normalisation_that_turns_signs():
    """The values of a layer are those after folding, so a channel that it negates needs no values of its own."""
    model = with_wild_normalisation(trained(plain))
    signs = fold_signs(model, ["2.conv"], context().calibration)
    assert set(signs["2.conv"].flatten().tolist()) == {-1.0, 1.0}
    weight = model[2].conv.weight
    grid = WeightQuantization(2, (float(weight.detach().abs().max()) / 127,) * len(weight), (-127, -10, 3, 80))
    put_on_grid(weight, grid, signs["2.conv"])
    expected = logits(model)
    folded, quantization = fold_on_grids(model, {"2.conv": grid}, context().calibration)
    torch.testing.assert_close(logits(folded), expected, rtol=1e-4, atol=1e-4)
    codes = (
        folded.get_submodule("2.conv").weight.detach().flatten(1)
        / torch.tensor(quantization.weights["2.conv"].scale)[:, None]
    )
    assert set(codes[1:].round().unique().tolist()) == {-127, -10, 3, 80}


@pytest.mark.parametrize("bits", range(2, 8))
def test_dorefa_rounds_as_its_paper_says(bits):
    weight = np.random.default_rng(bits).normal(0, 0.3, (16, 8, 3, 3))
    squashed = np.tanh(weight)
    steps = 2**bits - 1
    expected = 2 * np.round((squashed / (2 * np.abs(squashed).max()) + 0.5) * steps) / steps - 1  # equations 5 and 9
    found = rounded_to_odd_multiples(torch.from_numpy(weight), bits).numpy()
    np.testing.assert_allclose(found, expected * np.abs(weight).max(), atol=1e-12)


@pytest.mark.parametrize("bits", [2, 3, 7, 8])
def test_dorefa_has_odd_levels_below_eight_bits(bits):
    grid = quantize("dorefa", trained(plain), Profile(level=bits, low=2, high=8)).quantization.weights["2.conv"]
    assert grid.levels == (tuple(range(1 - 2**bits, 2**bits, 2)) if bits < 8 else None)


def test_bnn_stores_signs_of_all_but_the_first_and_last_layer():
    model, quantization = quantize("bnn", trained(residual))
    names = list(quantization.weights)
    found = {name: quantization.weights[name].levels for name in names}
    ends = {"stem.conv", "classifier"}
    assert found == {name: None if name in ends else (-1, 1) for name in names}
    for name in set(names) - ends:
        magnitudes = model.get_submodule(name).weight.detach().abs().flatten(1)
        assert (magnitudes == magnitudes[:, :1]).all()


def test_bnn_refuses_depthwise_convolutions_before_training():
    used = quantizer("bnn")
    with pytest.raises(InfeasibleError, match=r"depthwise convolution '1\.conv'; choose another quantizer"):
        used.check(used.prepared(depthwise(), context().calibration), FOUR_BITS, context())
    used.check(used.prepared(residual(), context().calibration), FOUR_BITS, context())


def test_layers_without_batch_norm_keep_their_magnitude():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).append(nn.Linear(16, 5))
    context().fit(model, epochs=15, learning_rate=0.02)
    assert accuracy(model) > 0.97
    for name in NAMES:
        assert accuracy(quantize(name, model).model) > 0.97, name


def test_clusters_are_those_of_scikit_learn():
    values = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    first = np.linspace(float(values.min()), float(values.max()), 8)[:, np.newaxis]
    reference = SklearnKMeans(8, init=first, n_init=1).fit(values.numpy()[:, np.newaxis].astype(np.float64))
    expected = np.sort(reference.cluster_centers_[:, 0])
    np.testing.assert_allclose(centres(values, 8).numpy(), expected, atol=1e-6)


def test_clusters_of_a_large_tensor_are_found_on_a_sample_that_keeps_its_ends():
    values = torch.randn(300_000, generator=torch.Generator().manual_seed(0))
    found = centres(values, 4)
    spread = (values[:, None] - found).abs().amin(1).square().mean()
    assert spread < 0.1175 * 1.01  # the least that four values leave of a normal variable (Max, 1960)


@pytest.mark.parametrize("zeros", [0, 50])
def test_gradient_of_a_shared_value_is_the_sum_over_its_weights(zeros):
    torch.manual_seed(0)
    layer = nn.Linear(20, 10)
    layer.weight.data.flatten()[:zeros] = 0
    signs = torch.where(torch.rand(10, 1) < 0.5, -1.0, 1.0)
    share_values(layer, signs, 4)
    layer.weight.retain_grad()
    weight = layer.weight
    factors = torch.randn(10, 20)
    (weight * factors).sum().backward()
    book = layer.parametrizations.weight
    values: Tensor = book.original
    assert len(values) == (3 if zeros else 4)
    for index, gradient in enumerate(values.grad):
        of_value = weight * signs == values[index]
        torch.testing.assert_close(gradient, (factors * signs)[of_value].sum())
    shared = weight.detach().clone()
    stop_sharing(layer)
    assert type(layer) is nn.Linear
    assert torch.equal(layer.weight, shared)
    assert int((shared == 0).sum()) == zeros


def test_rounding_a_codebook_to_int8_moves_no_value_by_more_than_half_a_code():
    used, model = quantizer("kmeans"), trained(plain)
    values = centres(model[2].conv.weight.detach(), 16)
    grid = used.snap(model, FOUR_BITS, context().calibration)["2.conv"]
    found = model[2].conv.weight.detach().unique()
    assert len(found) == 16
    assert (found - values).abs().max() <= grid.scale[0] / 2 * 1.0001
