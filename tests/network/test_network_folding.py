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


class WithActivation(nn.BatchNorm2d):
    """A normalisation and an activation in one class, as many libraries have it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        return torch.relu(super().forward(input))


class Standardised(nn.Conv2d):
    """Computes its weight at each call."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(input, weight, self.bias)


class OverPixels(nn.Module):
    """A linear layer over the pixels of each channel, as many as channels, then a normalisation of the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.norm = nn.Linear(3, 3), nn.BatchNorm1d(3)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.mix(images[:, :, 0, :3]))


class Halved(nn.Conv2d):
    """Inherits all that computes, but the answer."""

    def __call__(self, *arguments: Tensor) -> Tensor:
        return super().__call__(*arguments) / 2


def hooked(where: int) -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    model[where].register_forward_hook(lambda _module, _inputs, output: output.abs())
    return model


def patched() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    run = model[0].forward
    model[0].forward = lambda images: run(images).abs()  # type: ignore[method-assign]
    return model


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), WithActivation(4)),
        nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(Halved(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)),
        nn.Sequential(nn.ConvTranspose2d(3, 3, 3), nn.BatchNorm2d(3)),
        OverPixels(),
        hooked(0),
        hooked(1),
        patched(),
    ],
    ids=lambda model: (
        f"{type(model[0]).__name__}-{type(model[1]).__name__}" if isinstance(model, nn.Sequential) else ""
    ),
)
def test_what_a_class_or_a_hook_does_beside_its_type_stays(model: nn.Module) -> None:
    trained(model)
    folded = fold_batch_norm(model, IMAGES)
    assert norms(folded) == 1
    torch.testing.assert_close(folded(IMAGES), model(IMAGES))


class OptionalArgument(nn.Module):
    """Everybody calls ``model(images)``; a stand-in for the second argument would take the other branch."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))

    def forward(self, images: Tensor, statistics: Tensor | None = None, *, times: float = 3.0) -> Tensor:
        body = self.body(images)
        return body.flip(1) * times if statistics is None else body + statistics


def test_arguments_with_a_default_keep_it() -> None:
    model = trained(OptionalArgument())
    folded = fold_batch_norm(model, IMAGES)
    assert norms(folded) == 0
    assert type(folded) is OptionalArgument
    torch.testing.assert_close(folded(IMAGES), model(IMAGES), atol=1e-5, rtol=1e-5)


class PeepsAtWeights(nn.Module):
    """One of two folded layers is also read past its module, which no graph of modules shows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.second, self.second_norm = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        seen = self.first_norm(self.first(images))
        return self.second_norm(self.second(seen)) * self.first.weight.mean()


def test_of_several_normalisations_those_whose_folding_changes_nothing_are_folded() -> None:
    model = trained(PeepsAtWeights())
    folded = fold_batch_norm(model, IMAGES)
    assert isinstance(folded.first_norm, nn.BatchNorm2d)
    assert isinstance(folded.second_norm, nn.Identity)
    torch.testing.assert_close(folded(IMAGES), model(IMAGES), atol=1e-5, rtol=1e-5)


def test_frozen_layers_stay_frozen_and_shared_weights_stay_as_they_are() -> None:
    shared = nn.Conv2d(3, 3, 3, padding=1)
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), shared)
    model[0].weight = shared.weight
    trained(model.requires_grad_(requires_grad=False))
    folded = fold_batch_norm(model, IMAGES)
    assert norms(folded) == 0
    assert not folded[0].weight.requires_grad
    assert not folded[0].bias.requires_grad
    torch.testing.assert_close(folded[2].weight, model[2].weight)
    torch.testing.assert_close(folded(IMAGES), model(IMAGES), atol=1e-5, rtol=1e-5)
