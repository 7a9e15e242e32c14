"""Networks that people already have: their own functions, and those of torchvision."""

import pytest
import torch
from torch import nn
from torchvision import models

from automl.errors import InfeasibleError
from automl.technique import ImageShape
from automl.testing.context import context
from automl_plugins.architectures.python_model import PythonModel
from automl_plugins.architectures.torchvision_model import TorchvisionModel


def test_a_function_gives_its_network_with_its_weights():
    built = PythonModel(target="automl.testing.networks:residual").build(context())
    assert type(built).__name__ == "Residual"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module:make", "cannot be imported: No module named 'no_such_module'; is it on PYTHONPATH"),
        ("automl.testing.networks:no_such_function", "has no attribute 'no_such_function'"),
        ("builtins:dict", "gave a dict, not a torch.nn.Module"),
    ],
)
def test_a_function_that_gives_no_network_is_infeasible(target, message):
    with pytest.raises(InfeasibleError, match=message):
        PythonModel(target=target).build(context())


def test_a_torchvision_network_has_the_classes_of_the_study():
    built = TorchvisionModel(model="mobilenet_v3_small").build(context(ImageShape(3, 32, 32)))
    assert isinstance(built, nn.Module)
    with torch.no_grad():
        assert built.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 5)


def test_an_unknown_torchvision_network_names_the_nearest():
    with pytest.raises(InfeasibleError, match=r"no network 'resnet19'; did you mean .*resnet1"):
        TorchvisionModel(model="resnet19").build(context())


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub folder that has the weights of two networks already, so that nothing is downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    for name in ("shufflenet_v2_x0_5", "squeezenet1_1"):
        torch.manual_seed(7)
        weights = models.get_model_weights(name).DEFAULT
        torch.save(models.get_model(name, weights=None).state_dict(), folder / weights.url.rpartition("/")[2])
    return folder


@pytest.mark.parametrize(("name", "stem"), [("shufflenet_v2_x0_5", "conv1.0"), ("squeezenet1_1", "features.0")])
def test_a_torchvision_network_comes_with_its_weights_and_a_new_last_layer(hub, name, stem):
    built = TorchvisionModel(model=name, weights="default").build(context(ImageShape(3, 64, 64)))
    stored = torch.load(next(file for file in hub.iterdir() if file.name.startswith(name.partition("_")[0])))
    assert torch.equal(built.get_submodule(stem).weight, stored[f"{stem}.weight"])
    with torch.no_grad():
        assert built.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 5)


def test_weights_that_cannot_be_loaded_are_refused(hub):
    for file in hub.iterdir():
        file.write_bytes(b"torn")
    with pytest.raises(InfeasibleError, match=r"weights of 'squeezenet1_1' cannot be loaded.*--model"):
        TorchvisionModel(model="squeezenet1_1", weights="default").build(context(ImageShape(3, 64, 64)))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_of_another_precision_becomes_float32(tmp_path, monkeypatch, precision):
    (tmp_path / f"made_{precision}.py".replace("torch.", "")).write_text(
        f"import torch\n\ndef make():\n    return torch.nn.Linear(4, 5, dtype={precision})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    built = PythonModel(target=f"made_{precision}:make".replace("torch.", "")).build(context())
    assert {parameter.dtype for parameter in built.parameters()} == {torch.float32}


OWN = """
import torch
from torch import nn

network = nn.Linear(4, 5)

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(4, width)

def wide(width):
    return nn.Linear(4, width)

def lazy():
    return nn.Sequential(nn.LazyLinear(5))

class State(nn.Linear):
    def get_extra_state(self):
        return {"what": object()}

def state():
    return State(4, 5)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Give the name of a module of networks, new in each test."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("network", "is a Linear, not a function; write a function that returns the network"),
        ("Net", "cannot be called without arguments: missing a required argument: 'width'; write a function that"),
        ("wide", "cannot be called without arguments: missing a required argument: 'width'; write a function that"),
    ],
)
def test_what_cannot_be_called_is_refused_in_one_line(own, target, message):
    model = PythonModel(target=f"{own}:{target}")
    for use in (lambda: model.build(context()), model.fingerprint):
        with pytest.raises(InfeasibleError, match=message):
            use()


@pytest.mark.parametrize("target", ["lazy", "state"])
def test_fingerprint_knows_no_shapes_and_no_addresses_where_there_are_none(own, target):
    from automl_plugins.architectures import python_model

    fingerprints = {python_model._fingerprint.__wrapped__(f"{own}:{target}") for _ in range(2)}
    assert len(fingerprints) == 1
