"""A teacher answers as a finished network does: in evaluation mode, and changed by nobody."""

import pytest
import torch
from torch import nn

from automl.core.image import ImageShape
from automl.core.recipe import StageRecipe, Teacher
from automl.core.stage import Stage
from automl.pipeline.distilling import find_teacher
from automl.testing.context import context
from automl_plugins.distillers.dynamic_layerwise import DynamicLayerwise

CANDIDATE = StageRecipe(stage=Stage.ARCHITECTURE, technique="conv_net", hyperparameters={"depth": 2})


def network_in_training() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8 * 6 * 6, 10))
    return nn.Sequential(*layers).train()


@pytest.mark.parametrize("is_trained", [True, False], ids=["given trained", "trained here"])
def test_a_teacher_is_in_evaluation_mode_and_learns_nothing(is_trained):
    around = context(ImageShape(channels=1, height=8, width=8))
    found = find_teacher(
        Teacher(candidates=(CANDIDATE,), is_trained=is_trained),
        DynamicLayerwise(),
        around,
        build=lambda _stage: network_in_training(),
        train=lambda _stage: network_in_training(),
    )
    assert not any(module.training for module in found.modules())
    assert not any(parameter.requires_grad for parameter in found.parameters())
    before = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    assert torch.equal(found(around.calibration), found(around.calibration)), "dropout would answer otherwise"
    for name, tensor in found.state_dict().items():
        assert torch.equal(tensor, before[name]), "normalisation would count on"
