"""What does not fit the network ends as INFEASIBLE before an epoch is spent on it, with the reason in the row."""

import re

import pytest
import torch

from automl.core.augmentation import Augmentation
from automl.core.study import StudySpec
from automl.core.trial import TrialState
from automl.datasets.dataset import Dataset
from automl.measure.latency import LatencyMeter
from automl.pipeline.trial_runner import TrialRunner
from automl.spaces.load import load_space
from automl.storage.store import TrialStore
from automl.testing.context import NORMALIZATION, split
from automl.testing.networks import CLASSES
from automl_plugins.tasks.classification import Classification

SPACE = """
architecture:
  python: {target: [NETWORKS]}
  torchvision: {model: alexnet}
training: {epochs: 1, learning_rate: 0.02}
pruner:
  none:
  l1_norm: {recovery_epochs: 0}
  agp: {base: fpgm, epochs: 1, recovery_epochs: 0}
  level: {recovery_epochs: 0}
  movement: {epochs: 1, recovery_epochs: 0}
sparsity: {level: 0.5, slope: 0}
quantizer:
  none:
  ptq:
  bnn: {epochs: 1}
  lsq: {epochs: 1}
weight_bits: {level: 4, slope: 0}
"""
NETWORKS = ("depthwise", "grouped", "fully_convolutional", "linear", "Attention", "Branching", "Functional")
BRANCH = r"torch\.fx cannot trace the network: Branching itself, at .*networks\.py, line \d+: `if images\.shape\[-1\] >"


@pytest.fixture
def run(tmp_path):
    """Give a function that runs a trial on one of the networks and gives its row, as the store has it."""
    torch.set_num_threads(1)
    (tmp_path / "odd.yaml").write_text(
        SPACE.replace("NETWORKS", ", ".join(f"automl.testing.networks:{name}" for name in NETWORKS))
    )
    space, images = load_space(str(tmp_path / "odd.yaml")), split()
    dataset = Dataset(
        "patterns", images, images, images, Classification(outputs=CLASSES), NORMALIZATION, Augmentation.NONE, ""
    )
    spec = StudySpec(
        name="odd",
        space=space,
        dataset="patterns",
        dataset_fingerprint="",
        objectives=space.objectives,
        constraints=(),
        seed=0,
        versions={},
        created_at="2026-03-01T12:00:00Z",
    )
    store = TrialStore.create(str(tmp_path), spec)
    runner = TrialRunner(spec, dataset, store, LatencyMeter(state_dir=tmp_path / "meter"), torch.device("cpu"))

    def run(network, pruner="none", quantizer="none"):
        own = {"architecture": "python", "python.target": f"automl.testing.networks:{network}"}
        built = {"architecture": "torchvision"} if network == "alexnet" else own
        runner.run(0, {**built, "pruner": pruner, "quantizer": quantizer})
        (trial,) = store.read()
        return trial

    return run


@pytest.mark.parametrize(
    ("network", "pruner", "quantizer", "reason"),
    [
        ("linear", "l1_norm", "none", "the network has no convolution, so no channels to remove; "),
        (
            "Attention",
            "l1_norm",
            "none",
            r"no channel can be removed: layer 'stem\.conv' \(native_multi_head_attention",
        ),
        ("depthwise", "none", "bnn", r"only signs of the depthwise convolution '1\.conv'; choose another quantizer"),
        ("Attention", "none", "lsq", r"module 'attention' \(MultiheadAttention\) gives a tuple, not one tensor"),
        ("Branching", "level", "ptq", f"{BRANCH}.*leave the quantizer out"),
        ("alexnet", "none", "none", r"architecture 'torchvision' cannot take images of 3 x 12 x 12 \(channels.*larger"),
    ],
)
def test_what_does_not_fit_is_infeasible_before_training(run, network, pruner, quantizer, reason):
    trial = run(network, pruner, quantizer)
    assert trial.state is TrialState.INFEASIBLE, trial.error_traceback
    assert re.search(reason, trial.error)
    assert trial.epochs_trained == 0
    assert "fit" not in trial.seconds
    assert trial.artifact is None


@pytest.mark.parametrize(
    ("network", "pruner", "quantizer"),
    [
        ("Branching", "none", "none"),
        ("Branching", "l1_norm", "none"),
        ("Branching", "level", "none"),
        ("Branching", "movement", "none"),
        ("Functional", "l1_norm", "lsq"),
        ("fully_convolutional", "l1_norm", "none"),
        ("grouped", "agp", "ptq"),
        ("grouped", "level", "ptq"),
    ],
)
def test_what_fits_an_odd_network_is_run_and_deployed(run, network, pruner, quantizer):
    trial = run(network, pruner, quantizer)
    assert trial.state is TrialState.COMPLETE, trial.error_traceback
    assert trial.epochs_trained > 0
    assert trial.metrics["parity_gap"] <= 0.01
