"""What a program reads of a deployed file: ``deployed`` in ``recipe.json``, and the metadata of the ONNX file."""

import json
from collections.abc import Mapping
from typing import Any

from automl.core.data_description import DataDescription
from automl.core.distribution import VERSION
from automl.core.installed_metrics import metric_named
from automl.core.study import StudySpec
from automl.core.trial import Trial
from automl.runtime import IMAGE, LOGITS, ONNX_FILE, PROBABILITIES

DEPLOYED = "deployed"
"""Key of the facts in ``recipe.json``."""


def deployed_facts(
    trial: Trial, spec: StudySpec, data: DataDescription, *, has_softmax: bool = False
) -> dict[str, Any]:
    """Say what the files of a trial are, what goes in, what comes out, and what was measured on them.

    Args:
        trial: Of the study.
        spec: The study.
        data: Of the study.
        has_softmax: Whether a softmax was put behind the logits since they were measured.

    Returns:
        What JSON has a form for; ``sha256`` is by the name of the file, and of the files that were measured.
    """
    return {
        "study": spec.name,
        "trial": trial.number,
        "automl_version": trial.versions.get("automl", VERSION),
        "dataset": spec.dataset,
        "task": data.task,
        "input": {
            "name": IMAGE,
            "dtype": "uint8",
            "shape": ["images", data.channels, data.height, data.width],
            "channels": channel_names(data),
            "values": "pixels, 0 to 255, as they are decoded: the file itself normalises them",
        },
        "output": {
            "name": PROBABILITIES if has_softmax else LOGITS,
            "dtype": "float32",
            "shape": ["images", data.outputs],
            "values": "a probability a class" if has_softmax else output_words(data),
        },
        "classes": None if data.class_names is None else list(data.class_names),
        "target": str(spec.target),
        "metrics": dict(trial.metrics),
        "sha256": file_sums(trial),
    }


def metadata(facts: Mapping[str, Any], spec: StudySpec) -> dict[str, str]:
    """Give the metadata of an ONNX file; whatever is no text is JSON.

    The checksum cannot be in its own file: it is that of the file that was measured, before the metadata were added.

    Args:
        facts: As ``deployed_facts`` gives them.
        spec: The study: the metrics that it wished for are told, and those of the test split.
    """
    wished = {*spec.wished_metrics, *(metric_named(name).on_test for name in spec.wished_metrics)}
    chosen: dict[str, Any] = {
        **{key: facts[key] for key in ("study", "trial", "task", "input", "output", "classes", "target")},
        "version": facts["automl_version"],
        "metrics": {name: value for name, value in facts["metrics"].items() if name in wished},
        "measured_sha256": facts["sha256"].get(ONNX_FILE),
    }
    return {
        f"automl.{key}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in chosen.items()
        if value is not None
    }


def channel_names(data: DataDescription) -> str:
    """Say which channels an image has."""
    return {1: "grey", 3: "red, green, blue"}.get(data.channels, f"{data.channels}, in the order of the data set")


def output_words(data: DataDescription) -> str:
    """Say what the outputs are."""
    if data.gives_classes:
        return "a logit a class: the largest is that of the answer"
    return "in the units of the labels"


def file_sums(trial: Trial) -> dict[str, str]:
    """Give the SHA-256 of each file of the network as it was measured, by name."""
    lines = (line.partition("  ") for line in (trial.artifact_sha256 or "").splitlines())
    return {name: digest for digest, _, name in lines if name != "recipe.json"}
