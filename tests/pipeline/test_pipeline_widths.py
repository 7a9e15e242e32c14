"""A network says how wide each layer was, was asked to be and is, whether its stages ran or came from the cache."""

from pathlib import Path
from typing import ClassVar

import onnx
import pytest
import torch
from installed_plugins import also_installed
from onnx import numpy_helper
from small_trials import FLOAT, file_of, folder_cache, installed, runner_of, small_dataset, small_space
from torch import nn

from automl.core.profile import Profile
from automl.core.recipe import StageRecipe
from automl.core.stage import Stage
from automl.core.width import LayerWidth
from automl.errors import PluginError
from automl.measure.contents import file_contents
from automl.pipeline.stage_cache import NoCache
from automl.pipeline.stages import StageRunner
from automl.registry import TECHNIQUE
from automl.technique import Pruner

BITS = Profile(level=4, low=2, high=8)


class HalfOfTheLast(Pruner):
    """Makes the last convolution anew, half as wide: as little of a channel pruner as a third party may write."""

    name = "half_of_the_last"
    layer: ClassVar[str] = "stages.1.conv"

    def asked_channels(self, model, sparsity, _context):
        return {self.layer: model.stages[1].conv.out_channels * (1 - sparsity.level)}

    def prune(self, model, _sparsity, context):
        last = model.stages[1]
        half = last.conv.out_channels // 2
        last.conv = nn.Conv2d(last.conv.in_channels, half, 3, last.conv.stride, 1, bias=False)
        last.norm = nn.BatchNorm2d(half)
        model.classifier = nn.Linear(half, context.task.outputs)
        return model


@pytest.fixture(scope="module", autouse=True)
def techniques():
    with installed(), also_installed(TECHNIQUE, HalfOfTheLast):
        yield


def runner_with(pruner, cache=None, *, quantizer=None, **fields) -> StageRunner:
    """Prune a network of 10 and 18 channels, 20 % of the first and 40 % of the second."""
    recipe = small_space().recipe(FLOAT, seed=3)
    (built,) = recipe.stages
    wider = built.model_copy(update={"hyperparameters": {**built.hyperparameters, "width_1": 10, "width_2": 18}})
    stages = [wider, added(Stage.PRUNER, pruner, Profile(level=0.3, slope=0.1), fields)]
    if quantizer is not None:
        stages.append(added(Stage.QUANTIZER, quantizer, BITS, {}))
    wide_recipe = recipe.model_copy(update={"stages": tuple(stages)})
    return StageRunner(wide_recipe, small_dataset(), torch.device("cpu"), cache or NoCache())


def added(stage, technique, profile, fields) -> StageRecipe:
    return StageRecipe(stage=stage, technique=technique, hyperparameters=fields, profile=profile)


def channels_in_file(file: bytes, folder: Path) -> list[int]:
    path = folder / "exported.onnx"
    path.write_bytes(file)
    return [layer.shape[0] for layer in file_contents(path) if layer.is_convolution]


@pytest.mark.parametrize(("multiple", "kept"), [(1, (8, 11)), (4, (8, 12)), (8, (8, 8)), (64, (10, 18))])
def test_kept_channels_are_those_of_the_initializers_of_the_file(multiple, kept, tmp_path):
    fields = {"recovery_epochs": 0, "channel_multiple": multiple}
    graph = onnx.load_from_string(file_of(runner_with("l1_norm", **fields), tmp_path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert tuple(len(stored[node.input[1]]) for node in convolutions) == kept
    assert runner_with("l1_norm", **fields).run().widths == (
        LayerWidth(layer="stages.0.conv", before=10, asked=8.0, kept=kept[0]),
        LayerWidth(layer="stages.1.conv", before=18, asked=10.8, kept=kept[1]),
    )


@pytest.mark.parametrize("quantizer", [None, "ptq"])
@pytest.mark.parametrize("pruner", ["l1_norm", "agp", "half_of_the_last"])
def test_what_comes_from_the_cache_has_the_same_widths(pruner, quantizer, tmp_path):
    cache = folder_cache(tmp_path)
    first = runner_with(pruner, cache, quantizer=quantizer)
    expected = first.run().widths
    assert not any(first.cached.values())
    assert {width.layer for width in expected} >= {"stages.1.conv"}
    found = channels_in_file(file_of(runner_with(pruner, quantizer=quantizer), tmp_path), tmp_path)
    assert [width.kept for width in expected] == found[-len(expected) :]
    again = runner_with(pruner, cache, quantizer=quantizer)
    assert again.run().widths == expected
    assert all(again.cached.values())
    only_pruned = runner_with(pruner, cache, quantizer="lsq")  # its network comes from the cache, and goes on
    assert only_pruned.run().widths == expected
    assert only_pruned.cached == {"fit": True, "prune": True, "quantize": False}


@pytest.mark.parametrize("chain", ["float", "pruned", "quantized", "careless"])
def test_without_channel_pruning_there_is_nothing_to_say(chain):
    assert runner_of(chain).run().widths == ()


def test_a_layer_that_is_gone_has_no_kept_channels():
    result = runner_with("l1_norm", recovery_epochs=0).run()
    result.model.stages = nn.Sequential(nn.Identity())
    assert [width.kept for width in result.widths] == [None, None]


def test_a_name_that_no_layer_bears_is_reported_with_the_pruner(monkeypatch):
    monkeypatch.setattr(HalfOfTheLast, "layer", "stages.7")
    with pytest.raises(PluginError, match=r"pruner 'half_of_the_last' .* 'stages\.7', .* named_modules\(\)"):
        runner_with("half_of_the_last").run()
