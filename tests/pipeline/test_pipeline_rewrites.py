"""A rewrite for a quantizer leaves its gap in the row, and its refusal in the notes."""

import torch
from torch import Tensor, nn

from automl.core.fidelity import Transition
from automl.pipeline.compressed_model import CompressedModel
from automl.pipeline.notes import noted
from automl.pipeline.rewrites import with_named_operators
from automl.testing.context import context
from automl.testing.networks import CLASSES, SHAPE, Functional, plain


class DecidesByValues(nn.Module):
    """Calls a function where torch.fx cannot tell whether."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(SHAPE.channels * SHAPE.height * SHAPE.width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = torch.relu(images) if images.sum() > 0 else images
        return self.classifier(values.flatten(1))


def test_named_operators_leave_their_gap():
    found = with_named_operators(CompressedModel(Functional().eval()), context())
    assert found.gaps[Transition.REWRITE] < 1e-4


def test_network_of_modules_is_not_rewritten():
    built = CompressedModel(plain().eval())
    assert with_named_operators(built, context()) is built


def test_refusal_is_noted_in_one_line():
    built = CompressedModel(DecidesByValues().eval())
    with noted() as notes:
        assert with_named_operators(built, context()) is built
    assert len(notes) == 1
    assert notes[0].startswith("what the network computes with functions of torch stays in float, and slow beside int8")
    assert "`values = torch.relu(images) if images.sum() > 0 else images`" in notes[0]
