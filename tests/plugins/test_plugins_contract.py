"""Every technique that ships keeps the contract of automl.technique, whatever it does."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from pydantic import ValidationError
from small_networks import CLASSES, NETWORKS, SEED, Network, context, logits, residual, trained
from torch import nn

from automl.network.folding import fold_batch_norm
from automl.registry import plugins
from automl.technique import Architecture, Distiller, Profile, Pruner, Quantization, Quantizer, Technique

SHIPPED = [name for name, plugin in plugins().items() if plugin.entry_point.value.startswith("automl_plugins.")]
REQUIRED = {"python": {"target": "small_networks:plain"}, "torchvision": {"model": "resnet18"}}
SPARSITY = Profile(level=0.5, slope=0.2)
BITS = Profile(level=5, slope=2, low=2, high=8)
HOOKS = [name for name in vars(nn.Module()) if name.endswith(("_hooks", "_pre_hooks"))]


class Outcome(NamedTuple):
    model: nn.Module
    quantization: Quantization | None


def technique(name: str) -> Technique:
    return plugins()[name].load().model_validate(REQUIRED.get(name, {}))


def apply(name: str, network: Network, *, seed: int = SEED) -> Outcome:
    """Run a technique with its default fields on a trained network, as the pipeline would."""
    used, model = technique(name), trained(network)
    given = context(seed=seed)
    match used:
        case Architecture():
            return Outcome(used.build(given), None)
        case Pruner():
            return Outcome(used.prune(model, SPARSITY, given), None)
        case Quantizer():
            return Outcome(*used.quantize(fold_batch_norm(model), BITS, given))
        case Distiller():
            used.distill(trained(residual), given)(model, epochs=1, learning_rate=0.01)
            return Outcome(model, None)
    raise AssertionError(f"{name} belongs to no stage that is tested")


def wrong_fields() -> Iterator[Any]:
    """Give a technique, a field, a value just outside what is legal, and the limit that refuses it."""
    just_outside = {"minimum": -1, "maximum": 1, "exclusiveMinimum": 0, "exclusiveMaximum": 0}
    for name in SHIPPED:
        for field, schema in technique(name).model_json_schema()["properties"].items():
            for key, step in just_outside.items():
                if key in schema:
                    yield pytest.param(name, field, schema[key] + step, schema[key], id=f"{name}.{field}-{key}")
            if "enum" in schema:
                yield pytest.param(name, field, 0, schema["enum"][-1], id=f"{name}.{field}-enum")


each_technique = pytest.mark.parametrize("name", SHIPPED)
each_technique_and_network = pytest.mark.parametrize(
    ("name", "network"),
    [
        pytest.param(name, network, id=f"{name}-{network.__name__}")
        for name in SHIPPED
        for network in (NETWORKS[:1] if isinstance(technique(name), Architecture) else NETWORKS)  # it is given none
    ],
)


@each_technique
def test_every_field_is_bounded_described_and_has_a_legal_default(name):
    used = technique(name)
    assert type(used).model_validate(used.model_dump()) == used
    for field, schema in used.model_json_schema()["properties"].items():
        assert schema.keys() & {"minimum", "exclusiveMinimum", "enum", "pattern"}, field
        assert any(f"{field}: " in str(kind.__doc__) for kind in type(used).__mro__), field


@pytest.mark.parametrize(("name", "field", "value", "limit"), list(wrong_fields()))
def test_value_outside_its_range_is_refused_with_the_range(name, field, value, limit):
    with pytest.raises(ValidationError, match=f"(?s){field}.*{limit}"):
        type(technique(name)).model_validate({field: value})


@each_technique
def test_unknown_field_is_refused(name):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(technique(name)).model_validate({"no_such_field": 1})


@each_technique_and_network
def test_result_runs_and_keeps_the_shape_of_the_logits(name, network):
    answer = logits(apply(name, network).model)
    assert answer.shape[1:] == (CLASSES,)
    assert torch.isfinite(answer).all()


@each_technique
def test_same_seed_gives_the_same_result(name):
    first, second = apply(name, residual), apply(name, residual)
    assert first.quantization == second.quantization
    assert first.model.state_dict().keys() == second.model.state_dict().keys()
    for key, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key]), key


@each_technique
def test_result_pickles(name):
    outcome = apply(name, residual)
    restored = pickle.loads(pickle.dumps(outcome))  # noqa: S301 # bytes of our own
    assert restored.quantization == outcome.quantization
    assert torch.equal(logits(restored.model), logits(outcome.model))


@each_technique_and_network
def test_nothing_of_nni_is_left_on_the_model(name, network):
    model = apply(name, network).model
    for path, module in model.named_modules():
        assert "forward" not in vars(module), path
        assert not [key for key in vars(module) if "_nni" in key], path
        assert not type(module).__module__.startswith("nni."), path
        assert not [hooks for hooks in HOOKS if getattr(module, hooks)], path
    for path, parameter in model.named_parameters():
        assert not parameter._backward_hooks, path
        assert not parameter._post_accumulate_grad_hooks, path
        assert parameter.is_leaf, path
    assert not [path for path, _ in model.named_buffers() if "mask" in path or "scale" in path]


def test_listing_the_techniques_imports_neither_torch_nor_nni():
    script = (
        "import sys\n"
        "from automl.registry import plugins\n"
        "for plugin in plugins().values():\n"
        "    plugin.load()\n"
        "    heavy = {'torch', 'nni', 'numpy'} & sys.modules.keys()\n"
        "    assert not heavy, f'{plugin.entry_point.value} imports {heavy}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
