import pickle

import pytest
import torch
from torch import Tensor, nn

from automl.network.folding import fold_batch_norm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Add(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left + right


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.add = Add()
        self.act = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.act(self.add(images, self.norm(self.conv(images))))


class SharedConv(nn.Module):
    """The normalisation changes one of two uses of a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images)) + self.conv(images)


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images) if images.sum() > 0 else images


def trained(model: nn.Module) -> nn.Module:
    """Give the normalisations statistics that matter."""
    torch.manual_seed(0)
    model.train()
    for _ in range(4):
        model(2 * torch.randn(16, 3, 8, 8) + 1)
    return model.eval()


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, NORMS) for module in model.modules())


IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_convolution_and_linear_layers_absorb_their_normalisation() -> None:
    model = trained(
        nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5), nn.BatchNorm1d(5)
        )
    )
    folded = fold_batch_norm(model, IMAGES)
    assert norms(folded) == 0
    assert norms(model) == 2
    torch.testing.assert_close(folded(IMAGES), model(IMAGES), atol=1e-5, rtol=1e-5)


def test_modules_keep_their_names() -> None:
    model = trained(nn.Sequential(Residual()))
    names = {name for name, _ in model.named_modules()}
    assert {name for name, _ in fold_batch_norm(model, IMAGES).named_modules()} == names


def test_folded_model_pickles() -> None:
    folded = fold_batch_norm(trained(nn.Sequential(Residual())), IMAGES)
    restored = pickle.loads(pickle.dumps(folded))  # noqa: S301 - our own bytes
    assert not restored.training
    torch.testing.assert_close(restored(IMAGES), folded(IMAGES))


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        SharedConv(),
        Untraceable(),
    ],
)
def test_normalisation_that_cannot_be_folded_stays(model: nn.Module) -> None:
    trained(model)
    folded = fold_batch_norm(model, IMAGES)
    assert norms(folded) == 1
    torch.testing.assert_close(folded(IMAGES), model(IMAGES))
