"""Compares the OpenVINO export of ten random recipes with ONNX Runtime on 1,000 test images.

Recipes are drawn over architectures, pruners, quantizers and bits, and trained for an epoch.

Usage: python benchmarks/openvino_parity.py DATASET
"""

import sys
import tempfile
from pathlib import Path

import torch
from one_trial import study_of

from automl.core.trial import TrialState
from automl.datasets.load import load_dataset
from automl.errors import ConversionError
from automl.measure.latency import LatencyMeter
from automl.pipeline.conversion import convert
from automl.pipeline.trial_runner import MODEL_FILE, TrialRunner
from automl.report.point_summary import describe_point
from automl.spaces.located_yaml import parse_located
from automl.spaces.resolve import resolve_space
from automl.storage.store import TrialStore
from automl.suggest.optuna_suggester import OptunaSuggester

SPACE = """
architecture:
  conv_net: {depth: 3, width_1: [16, 32], width_2: [32, 64], width_3: [32, 64], kernel: 3}
  resnet: {stem: cifar, stages: 3, blocks: 1, width: [8, 16]}
  mobilenet_v2: {stages: 2, blocks: 1, width: 16}
training: {epochs: 1, batch_size: 64, learning_rate: 0.02, max_train_images: 1000}
pruner:
  none:
  l1_norm: {recovery_epochs: 1}
  level: {recovery_epochs: 1}
sparsity: {level: {min: 0.1, max: 0.6}}
quantizer:
  none:
  float16:
  ptq:
  qat: {epochs: 1}
  lsq: {epochs: 1}
  lsq_plus: {epochs: 1}
weight_bits: {level: {min: 2, max: 8}}
"""
RECIPES = 10
IMAGES = 1000


def main(dataset_spec: str, seed: int) -> int:
    """Print a line a recipe; 1 if one of them disagrees."""
    torch.set_num_threads(1)
    dataset = load_dataset(dataset_spec)
    space = resolve_space("openvino", parse_located(SPACE, "openvino"))
    spec = study_of(space, dataset, name="openvino")
    suggester = OptunaSuggester(space, space.objectives, sampler="random", seed=seed)
    images = dataset.test.images[:IMAGES]
    done, refused = 0, 0
    print("| recipe | same answer | largest difference of logits | of their spread, RMS |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as root:
        store = TrialStore.create(root, spec)
        runner = TrialRunner(spec, dataset, store, LatencyMeter(), torch.device("cpu"))
        number = 0
        while done < RECIPES and (point := suggester.ask()) is not None:
            trial = runner.run(number, point)
            number += 1
            if trial.state is TrialState.INFEASIBLE:
                continue
            summary = describe_point(point, space.constants, profiles=space.profiles)
            if trial.artifact is None:
                raise SystemExit(f"{summary}: {trial.error}\n{trial.error_traceback}")
            model = (Path(root) / spec.name / trial.artifact / MODEL_FILE).read_bytes()
            done += 1
            try:
                found = convert(model, "openvino", images=images, task=dataset.task).agreement
            except ConversionError as error:
                refused += 1
                print(f"| {summary} | {error} | | |", flush=True)
                continue
            print(
                f"| {summary} | {found.same_answers:.1%} | {found.largest_difference:.2g} | {found.deviation:.2%} |",
                flush=True,
            )
    print(f"\n{done - refused} of {done} recipes agree")
    return 1 if refused or done < RECIPES else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
