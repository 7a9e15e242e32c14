"""Measures when a teacher helps, on digits: the mean accuracy of three seeds, with each distiller and without.

Usage: python benchmarks/distillation.py
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from statistics import mean

import torch
from torch import nn

from automl.core.recipe import Recipe
from automl.core.training_settings import TrainingSettings
from automl.datasets.load import load_dataset
from automl.pipeline.stages import StageRunner
from automl.technique import Distiller, Profile, StageContext
from automl.training.predict import predict
from automl_plugins.architectures.conv_net import ConvNet
from automl_plugins.distillers.adaptive1d_layerwise import Adaptive1dLayerwise
from automl_plugins.distillers.dynamic_layerwise import DynamicLayerwise
from automl_plugins.pruners.l1_norm import L1Norm
from automl_plugins.quantizers.qat import QAT

CPU = torch.device("cpu")
DIGITS = load_dataset("digits")
SEEDS = (0, 1, 2)
SMALL = ConvNet(depth=2, width_1=8, width_2=16)
MIDDLE = ConvNet(depth=3, width_1=16, width_2=32, width_3=64)
LARGE = ConvNet(depth=4, width_1=32, width_2=48, width_3=64, width_4=64)
DISTILLERS: tuple[Distiller | None, ...] = (None, DynamicLayerwise(), Adaptive1dLayerwise())


def context(seed: int, images: int | None = None) -> StageContext:
    """Give what techniques get in a trial."""
    recipe = Recipe(stages=(), training=TrainingSettings(max_train_images=images), seed=seed)
    return StageRunner(recipe, DIGITS, CPU).context()


def trained(network: ConvNet, given: StageContext, *, epochs: int) -> nn.Module:
    """Build and train a network."""
    torch.manual_seed(given.seed)
    model = network.build(given)
    given.fit(model, epochs=epochs, learning_rate=0.01)
    return model


def small(given: StageContext, _middle: nn.Module) -> nn.Module:
    """Train a small network as spaces do."""
    return trained(SMALL, given, epochs=30)


def small_for_long(given: StageContext, _middle: nn.Module) -> nn.Module:
    """Train a small network for longer than spaces do."""
    return trained(SMALL, given, epochs=100)


def few_images(given: StageContext, _middle: nn.Module) -> nn.Module:
    """Train on 150 images; the teacher had all."""
    return trained(MIDDLE, given, epochs=60)


def pruned(given: StageContext, middle: nn.Module) -> nn.Module:
    """Take three quarters of the channels."""
    return L1Norm(recovery_epochs=8).prune(copy.deepcopy(middle), Profile(level=0.75), given)


def two_bits(given: StageContext, middle: nn.Module) -> nn.Module:
    """Quantize to two bits."""
    quantizer = QAT(epochs=5)
    return quantizer.quantize(
        quantizer.prepared(middle, given.calibration), Profile(level=2, low=2, high=8), given
    ).model


SITUATIONS: dict[str, tuple[Callable[[StageContext, nn.Module], nn.Module], int | None, bool]] = {
    "8 and 16 channels, 30 epochs": (small, None, False),
    "8 and 16 channels, 100 epochs": (small_for_long, None, False),
    "150 images, 60 epochs": (few_images, 150, False),
    "a quarter of the channels left, 8 epochs": (pruned, None, True),
    "2 bits, 5 epochs": (two_bits, None, True),
}
"""What is trained, on how many images, and whether the network itself teaches in place of a larger one."""


def accuracy(model: nn.Module) -> float:
    """Give the share of validation images that the network knows."""
    answers = predict(model, DIGITS.validation.images, normalization=DIGITS.normalization, device=CPU)
    return float((answers.argmax(1) == DIGITS.validation.labels).mean())


def main() -> None:
    """Run all situations and print the table."""
    torch.set_num_threads(1)
    found: dict[str, list[list[float]]] = {name: [[] for _ in DISTILLERS] for name in SITUATIONS}
    for seed in SEEDS:
        large, middle = (trained(network, context(seed), epochs=30) for network in (LARGE, MIDDLE))
        for name, (run, images, teaches_itself) in SITUATIONS.items():
            given, teacher = context(seed, images), middle if teaches_itself else large
            for distiller, accuracies in zip(DISTILLERS, found[name], strict=True):
                fit = given.fit if distiller is None else distiller.distill(teacher, given)
                accuracies.append(accuracy(run(replace(given, fit=fit), middle)))
    print("| what is trained | by labels | " + " | ".join(each.name for each in DISTILLERS if each is not None) + " |")
    print("|---" * (1 + len(DISTILLERS)) + "|")
    for name, columns in found.items():
        print(f"| {name} | " + " | ".join(f"{100 * mean(column):.2f} %" for column in columns) + " |")


if __name__ == "__main__":
    main()
