"""The contract finds what it is there to find: each technique here breaks one promise."""

# ruff: noqa: ARG002 # they ignore what they are given

import subprocess
import sys
from typing import Annotated, ClassVar

import pytest
import torch
from pydantic import Field
from torch import nn

from automl.errors import InfeasibleError
from automl.registry import technique_class
from automl.technique import Architecture, Distiller, Profile, Pruner, Quantizer, StageContext
from automl.testing import TechniqueContract
from automl.testing.networks import CLASSES, plain
from automl.testing.technique_contract import STAGE_CONTRACTS

LAYERS = (nn.Conv2d, nn.Linear)


class Honest(Pruner):
    """Zeroes the first weights of each layer.

    Attributes:
        extra: Does nothing.
    """

    name = "honest"

    extra: Annotated[int, Field(ge=1, le=5)] = 1

    def prune(self, model: nn.Module, sparsity: Profile, context: StageContext) -> nn.Module:
        layers = [layer for layer in model.modules() if isinstance(layer, LAYERS)]
        for layer, share in zip(layers, sparsity.values(len(layers)), strict=True):
            layer.weight.data.view(-1)[: round(share * layer.weight.numel())] = 0
        return model


class Unbounded(Honest):
    extra: int = 1


class Undescribed(Honest):
    """Says nothing of its field."""

    other: Annotated[int, Field(ge=1)] = 1


class Unannotated(Honest):
    """Trains, and does not say how long.

    Attributes:
        recovery_epochs: Passes over the training split.
    """

    recovery_epochs: Annotated[int, Field(ge=0, le=9)] = 1


class Lazy(Honest):
    def prune(self, model, sparsity, context):
        return super().prune(model, Profile(level=0.3), context)


class Hooked(Honest):
    def prune(self, model, sparsity, context):
        model.register_forward_hook(print_nothing)
        return super().prune(model, sparsity, context)


class Buffered(Honest):
    def prune(self, model, sparsity, context):
        model.register_buffer("mask", torch.ones(1))
        return super().prune(model, sparsity, context)


class Unpicklable(Honest):
    def prune(self, model, sparsity, context):
        model.note = lambda: None
        return super().prune(model, sparsity, context)


class Random(Honest):
    def prune(self, model, sparsity, context):
        torch.seed()
        model.get_submodule("0.conv").weight.data.add_(torch.rand(1))
        return super().prune(model, sparsity, context)


class Diverged(Honest):
    def prune(self, model, sparsity, context):
        model.get_submodule("0.conv").weight.data.fill_(torch.nan)
        return model


class Narrow(Honest):
    def prune(self, model, sparsity, context):
        return nn.Sequential(*list(model)[:-1], nn.Linear(32, CLASSES + 1))


class Late(Honest):
    def prune(self, model, sparsity, context):
        if any(isinstance(module, nn.GroupNorm) for module in model.modules()):
            raise InfeasibleError("too late")
        return super().prune(model, sparsity, context)


class Fussy(Honest):
    def check(self, model, sparsity, context):
        raise InfeasibleError("no network is good enough")


class Silent(Honest):
    def check(self, model, sparsity, context):
        if any(isinstance(module, nn.GroupNorm) for module in model.modules()):
            raise InfeasibleError


class Wide(Quantizer):
    """Uses more bits than it was asked for."""

    name = "wide"

    def quantize(self, model, weight_bits, context):
        return technique_class("ptq")().quantize(model, Profile(level=8, high=8), context)


class Wasteful(Quantizer):
    """Uses one bit less than half of what it was asked for."""

    name = "wasteful"

    def quantize(self, model, weight_bits, context):
        return technique_class("ptq")().quantize(model, Profile(level=2, high=8), context)


class Float(Quantizer):
    """Quantizes nothing."""

    name = "float"

    def quantize(self, model, weight_bits, context):
        model, quantization = technique_class("ptq")().quantize(model, weight_bits, context)
        quantization.weights.clear()
        return model, quantization


class Forgetful(Distiller):
    """Does not train, and spoils the teacher."""

    name = "forgetful"

    def distill(self, teacher, context):
        next(teacher.parameters()).data.zero_()
        return print_nothing


class Constant(Architecture):
    """Cannot learn."""

    name: ClassVar[str] = "constant"

    def build(self, context):
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 12, CLASSES))
        network[1].weight.register_hook(torch.zeros_like)
        nn.init.zeros_(network[1].weight)
        return network


def print_nothing(*_: object, **__: object) -> None:
    """Stand in for a hook, and for a fit."""


def contract(technique) -> TechniqueContract:
    return type("TestIt", (TechniqueContract,), {"technique": technique})()


FIRST = STAGE_CONTRACTS[Honest.stage].cases[0]
FORM = "test_every_field_is_described_and_bounded_and_its_default_is_legal"
NAMES = "test_fields_named_like_widths_or_epochs_say_what_they_are"


@pytest.mark.parametrize(
    ("technique", "test", "message"),
    [
        (Unbounded(), FORM, "state what is legal for the field 'extra'"),
        (Undescribed(), FORM, "describe the field 'other' under 'Attributes:'"),
        (Unannotated(), NAMES, r"annotate the field 'recovery_epochs' with Epochs\(\)"),
        (Lazy(), "test_exported_file_holds_what_was_asked", "'0.conv' was to lose 50% .* 30% of its weights are zero"),
        (Hooked(), "test_no_hooks_and_no_wrappers_are_left", "the model has _forward_hooks"),
        (Buffered(), "test_no_hooks_and_no_wrappers_are_left", "buffer 'mask' is new"),
        (Diverged(), "test_result_gives_finite_logits_of_the_same_shape", "NaN or infinite"),
        (Narrow(), "test_result_gives_finite_logits_of_the_same_shape", r"the shape \(256, 6\)"),
        (Fussy(), "test_result_gives_finite_logits_of_the_same_shape", "must work; .* no network is good enough"),
        (Wide(), "test_exported_file_holds_what_was_asked", "'0.conv' was to have 3 bits; its codes .* need 8"),
        (Wasteful(), "test_exported_file_holds_what_was_asked", "was to have 5 bits; its codes .* use 2 alone"),
        (Float(), "test_exported_file_holds_what_was_asked", "was to have 3 bits; in the file it is float32"),
        (Forgetful(), "test_exported_file_holds_what_was_asked", "teacher is no longer .*; after 3 epochs the student"),
        (Constant(), "test_exported_file_holds_what_was_asked", "after two epochs the network knows"),
        (Constant(), "test_no_hooks_and_no_wrappers_are_left", "parameter '1.weight' has _backward_hooks"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_broken_promise_is_found(technique, test, message):
    case = STAGE_CONTRACTS[technique.stage].cases[0]
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        getattr(contract(technique), test)(*([case] if test not in {FORM, NAMES} else []))


def test_model_that_does_not_pickle_is_found():
    with pytest.raises(AttributeError, match="lambda"):
        contract(Unpicklable()).test_result_pickles(FIRST)


def test_result_that_the_seed_does_not_settle_is_found():
    with pytest.raises(AssertionError, match=r"other weights: \['0.conv.weight'\]"):
        contract(Random()).test_same_seed_gives_the_same_result()


@pytest.mark.parametrize(("technique", "error"), [(Late(), "too late"), (Silent(), "must say why")])
def test_refusal_that_comes_late_or_without_a_reason_is_found(technique, error):
    (odd,) = [case for case in STAGE_CONTRACTS[Honest.stage].odd_cases if case.name == "layer_norm"]
    with pytest.raises((InfeasibleError, AssertionError), match=error):
        contract(technique).test_what_does_not_fit_is_refused_before_training(odd)


@pytest.mark.slow
def test_a_technique_of_three_lines_runs_under_pytest_and_passes(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "from test_testing_technique_contract import Honest\n"
        "from automl.testing import TechniqueContract\n"
        "class TestMine(TechniqueContract):\n"
        "    technique = Honest()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-rA"]
    ended = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, check=False, env={"PYTHONPATH": "tests/testing"}
    )
    assert ended.returncode == 0, ended.stdout
    for name in ("test_same_seed_gives_the_same_result", "holds_what_was_asked[depthwise]", "the_range[extra=6]"):
        assert f"{name}\n" in ended.stdout


@pytest.mark.slow
def test_importing_the_contract_does_not_need_pytest():
    script = "import sys; sys.modules['pytest'] = None; import automl.testing"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_plain_network_is_the_first_case_of_every_stage_that_is_given_one():
    assert {stage.cases[0].network for stage in STAGE_CONTRACTS.values()} == {plain}
