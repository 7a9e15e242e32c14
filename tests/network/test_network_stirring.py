import torch
from torch import nn

from automl.network.answers import answer_gap, answers
from automl.network.stirring import stirred

IMAGES = torch.randn(24, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 3 + 2


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.scale = nn.Parameter(torch.full((8, 1, 1), 1e-6))
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        return self.head((self.body(images) * (1 + self.scale)).mean((2, 3)))


def test_a_normalisation_that_loses_its_numbers_is_seen_afterwards_and_not_before():
    def gap_of_losing(model):
        expected = answers(model, IMAGES)
        norm = model.body[1]
        norm.reset_parameters()
        return answer_gap(expected, answers(model, IMAGES))

    assert gap_of_losing(Scaled()) < 1e-4
    assert gap_of_losing(stirred(Scaled(), IMAGES)) > 0.1


def test_no_vector_of_equal_numbers_is_left():
    model = stirred(Scaled(), IMAGES)
    for name, tensor in model.state_dict().items():
        assert tensor.numel() == 1 or tensor.unique().numel() > 1, name


def test_what_was_trained_stays():
    trained = stirred(Scaled(), IMAGES)
    again = stirred(trained, IMAGES + 5)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_the_network_itself_and_the_random_state_stay():
    model = Scaled().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, second = stirred(model, IMAGES), stirred(model, IMAGES)
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert model.training
    assert not first.training
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
