"""A network that cannot be deployed is refused before it is trained, at the cost of one rehearsal a structure."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_trials import FLOAT, folder_cache, installed, runner_of, small_dataset, small_space
from torch import nn

from automl.core.image import InputConvention
from automl.core.profile import Profile
from automl.core.recipe import StageRecipe, Teacher
from automl.core.stage import Stage
from automl.core.target import ONE_THREAD
from automl.errors import InfeasibleError
from automl.export.onnx_writer import export_onnx
from automl.pipeline import rehearsal
from automl.pipeline.rehearsal import Rehearsal
from automl.pipeline.stages import StageRunner
from automl.registry import technique_class

REASON = (
    r"architecture 'python' builds a network that torch cannot export to ONNX: UnsupportedOperatorError: "
    r"Exporting the operator 'aten::fft_fft2' .* is not supported; build it of operators that ONNX has"
)


class Spectrum(nn.Module):
    """Takes a Fourier transform, which the exporter does not know."""

    def forward(self, images):
        return torch.fft.fft2(images).abs()


class Unknown(nn.Identity):
    """Has an attribute of a kind that tells nothing of the structure."""

    def __init__(self):
        super().__init__()
        self.extra = {"any": "thing"}


def network(width=8, *layers):
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.ReLU(), *layers, nn.Flatten(), nn.Linear(36 * width, 4)).eval()


def spectral():
    return network(8, Spectrum())


class WithAuxiliary(nn.Module):
    """Gives the logits of a second classifier while it trains, as GoogLeNet does."""

    def __init__(self):
        super().__init__()
        self.body = network()

    def forward(self, images):
        logits = self.body(images)
        return (logits, logits * 2) if self.training else logits


class WithTwice(WithAuxiliary):
    """Gives logits of other classes while it trains."""

    def forward(self, images):
        logits = self.body(images)
        return torch.cat([logits, logits], 1) if self.training else logits


class WithMemory(WithAuxiliary):
    """Keeps what it computed in training for ever."""

    def forward(self, images):
        logits = self.body(images)
        if self.training:
            self.kept = [logits]
        return logits


class WithFeatures(WithAuxiliary):
    """Keeps features that a hook noted."""

    def __init__(self):
        super().__init__()
        self.body[0].register_forward_hook(self.note)
        self.second = nn.Linear(8, 4)

    def note(self, _module, _inputs, output):
        self.features = output

    def forward(self, images):
        return self.body(images) + self.second(self.features.mean((2, 3)))


def architecture(target="spectral") -> StageRecipe:
    return StageRecipe(stage=Stage.ARCHITECTURE, technique="python", hyperparameters={"target": f"{__name__}:{target}"})


@pytest.fixture(autouse=True)
def techniques():
    with installed():
        yield


@pytest.fixture
def exports(monkeypatch):
    """List the networks that are exported from now on, in a process that has exported none."""
    found = []

    def noting(model, path, **settings):
        found.append(model)
        export_onnx(model, path, **settings)

    monkeypatch.setattr(rehearsal, "export_onnx", noting)
    monkeypatch.setattr(rehearsal, "_reasons", {})
    return found


def recipe_of(*stages):
    return runner_of("float").recipe.model_copy(update={"stages": stages})


def rehearse(model, architecture, images=None):
    data = small_dataset()
    images = data.train.images[:24] if images is None else images
    Rehearsal(images, data.normalization, ONE_THREAD, data.task).check_network(model, architecture)


def run_or_pause(runner, *, pauses):
    return runner.pause(1) if pauses else runner.run()


@pytest.mark.parametrize("pauses", [False, True])
def test_a_network_that_cannot_be_exported_is_infeasible_before_an_epoch(pauses):
    recipe = small_space().recipe(FLOAT, seed=3).model_copy(update={"stages": (architecture(),)})
    runner = StageRunner(recipe, small_dataset(), torch.device("cpu"), rungs=(1,))
    with pytest.raises(InfeasibleError, match=REASON):
        run_or_pause(runner, pauses=pauses)
    assert runner.epochs_trained == 0
    assert set(runner.seconds) == {"build"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "WithAuxiliary",
            r"gives a tuple of \(4, 4\), \(4, 4\) while it trains.*forward returns network\(images\)\[0\]",
        ),
        ("WithTwice", r"logits of 4 images have the shape \(4, 8\) while it trains, not \(4, 4\)"),
        ("WithMemory", r"no copy can be made once it trains: WithMemory in attribute 'kept' keeps a tensor"),
    ],
)
def test_what_a_network_does_in_training_alone_is_refused_before_an_epoch(target, reason):
    runner = StageRunner(recipe_of(architecture(target)), small_dataset(), torch.device("cpu"))
    with pytest.raises(InfeasibleError, match=reason):
        runner.run()
    assert runner.epochs_trained == 0


@pytest.mark.parametrize("chain", ["quantized", "both"])
def test_a_network_whose_hooks_keep_features_goes_through_every_stage(chain):
    stages = [each for each in runner_of(chain).recipe.stages if each.stage is not Stage.ARCHITECTURE]
    runner = StageRunner(recipe_of(architecture("WithFeatures"), *stages), small_dataset(), torch.device("cpu"))
    assert runner.run().quantization is not None


def test_one_of_the_networks_that_differ_in_widths_is_exported(exports):
    for width in (8, 12, 16):
        rehearse(network(width), architecture())
    assert len(exports) == 1
    rehearse(network(8, nn.Hardswish()), architecture())
    rehearse(
        nn.Sequential(nn.Flatten(), nn.Linear(48, 4)),
        architecture(),
        small_dataset().train.images[:24, :, :4, :4].repeat(3, 1),
    )
    assert len(exports) == 3


def test_a_refusal_is_repeated_without_another_export(exports):
    for width in (8, 12):
        with pytest.raises(InfeasibleError, match=REASON):
            rehearse(network(width, Spectrum()), architecture())
    assert len(exports) == 1


def test_a_network_of_unknown_structure_is_exported_once_a_recipe(exports):
    for target in ("a", "a", "b"):
        rehearse(network(8, Unknown()), architecture(target))
    assert len(exports) == 2


def test_a_network_is_rehearsed_anew_where_its_images_are_normalised_otherwise(exports):
    data = small_dataset()
    for convention in ("standardized", "unit", "unit"):
        normalization = InputConvention(convention).normalization(mean=60.0, std=40.0)
        rehearsal = Rehearsal(data.train.images[:24], normalization, ONE_THREAD, data.task)
        rehearsal.check_network(network(8, nn.ReLU()), architecture())
    assert len(exports) == 2


def test_a_teacher_need_not_be_exported(exports):
    distiller = StageRecipe(stage=Stage.DISTILLER, technique="dynamic_layerwise", hyperparameters={})
    recipe = small_space().recipe(FLOAT, seed=3)
    taught = recipe.model_copy(
        update={"stages": (*recipe.stages, distiller), "teacher": Teacher(candidates=(architecture(),))}
    )
    StageRunner(taught, small_dataset(), torch.device("cpu")).run()
    assert len(exports) == 1


def test_the_check_leaves_the_network_as_it_is(exports):
    model = network(8, nn.Dropout()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(5)
    rehearse(model, architecture())
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert len(exports) == 1


def test_all_of_a_trial_from_the_cache_exports_nothing_before(exports, tmp_path):
    cache = folder_cache(tmp_path)
    runner_of("float", cache).run()
    assert len(exports) == 1
    rehearsal._reasons.clear()
    runner_of("float", cache).run()
    assert len(exports) == 1


class LessTheMean(nn.Module):
    """What it gives an image depends on the others of the run."""

    def forward(self, values):
        return values - values.mean(0, keepdim=True)


class RanksInTheRun(nn.Module):
    def forward(self, values):
        return values * (1 + torch.arange(len(values)).reshape(-1, 1))


class Bright(nn.Module):
    """Decides by the values of a whole run; the exporter takes the way of its black image."""

    def forward(self, values):
        return values.flip(3) if values.mean() > 0 else values


class Forgotten(torch.autograd.Function):
    """Is exported as what it is not."""

    @staticmethod
    def forward(_context, values):
        return values.abs()

    @staticmethod
    def symbolic(graph, values):
        return graph.op("Identity", values)


class Misread(nn.Module):
    def forward(self, values):
        return Forgotten.apply(values)


@pytest.mark.parametrize(
    "layer", [LessTheMean(), RanksInTheRun(), nn.Softmax(dim=0)], ids=lambda each: type(each).__name__
)
def test_an_answer_that_depends_on_the_other_images_of_a_run_is_refused(layer):
    model = nn.Sequential(network(8), layer)
    with pytest.raises(
        InfeasibleError, match=r"network whose answer to an image depends on the other images of its run"
    ):
        rehearse(model, architecture())


class Counting(nn.Module):
    """Answers by how often it has run."""

    def __init__(self):
        super().__init__()
        self.register_buffer("runs", torch.zeros(()))

    def forward(self, values):
        self.runs = self.runs + 1
        return values * self.runs


class AlwaysDropping(nn.Module):
    """Drops out in evaluation, too."""

    def forward(self, values):
        return nn.functional.dropout(values, 0.3, training=True)


@pytest.mark.parametrize("layer", [Counting(), AlwaysDropping()], ids=lambda each: type(each).__name__)
def test_an_answer_that_changes_from_run_to_run_is_not_blamed_on_the_other_images(layer):
    with pytest.raises(InfeasibleError, match=r"network that answers the same images otherwise at its next run: .*%"):
        rehearse(nn.Sequential(layer, network(8)), architecture())


def test_statistics_of_a_run_are_refused():
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.Flatten(), nn.Linear(288, 4)
    )
    with pytest.raises(InfeasibleError, match="depends on the other images of its run"):
        rehearse(model, architecture())


def test_a_branch_that_the_exporter_freezes_is_refused_with_its_line():
    images = np.random.default_rng(0).integers(200, 256, (24, 1, 8, 8), dtype=np.uint8)
    pattern = r"does not compute: .* the exporter keeps one way through module '0', a Bright, .*`return values.flip"
    with pytest.raises(InfeasibleError, match=pattern):
        rehearse(nn.Sequential(Bright(), network(8)), architecture(), images)


def test_an_operator_that_is_exported_as_another_is_refused():
    with pytest.raises(
        InfeasibleError, match=r"that the exported file does not compute: on 24 images its logits lie .*%"
    ):
        rehearse(nn.Sequential(network(8), Misread()), architecture())


@pytest.mark.parametrize("name", ["ptq", "qat", "lsq", "lsq_plus", "dorefa", "bnn", "kmeans", "float16"])
def test_a_quantizer_is_rehearsed_without_training(name):
    data, trains = small_dataset(), []
    recipe = small_space().recipe(FLOAT, seed=3)
    runner = StageRunner(recipe, data, torch.device("cpu"))
    context = replace(runner.context(), fit=lambda *_arguments, **_settings: trains.append(1))
    used = technique_class(name)()
    prepared = used.prepared(network(8), context.calibration)
    before = {key: tensor.clone() for key, tensor in prepared.state_dict().items()}
    rehearsed = Rehearsal(data.train.images[:24], data.normalization, ONE_THREAD, data.task)
    rehearsed.check_quantizer(prepared, used, Profile(level=4, low=2, high=8), context)
    assert trains == []
    assert all(torch.equal(before[key], tensor) for key, tensor in prepared.state_dict().items())


def test_a_quantizer_whose_simulation_cannot_be_exported_faithfully_is_refused_before_training():
    model = nn.Sequential(network(8), Misread())
    data = small_dataset()
    context = StageRunner(small_space().recipe(FLOAT, seed=3), data, torch.device("cpu")).context()
    used = technique_class("ptq")()
    prepared = used.prepared(model, context.calibration)
    with pytest.raises(
        InfeasibleError, match=r"quantizer 'ptq' gives a file that does not compute what was simulated, first at"
    ):
        Rehearsal(data.train.images[:24], data.normalization, ONE_THREAD, data.task).check_quantizer(
            prepared, used, Profile(level=8, low=2, high=8), context
        )


def test_a_deep_network_in_which_rounding_alone_moves_the_logits_is_not_refused():
    torch.manual_seed(0)
    layers = [layer for _ in range(30) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())]
    model = nn.Sequential(nn.Conv2d(1, 8, 3), *layers, nn.Flatten(), nn.Linear(288, 4))
    data = small_dataset()
    rehearsal = Rehearsal(data.train.images[:24], data.normalization, ONE_THREAD, data.task)
    context = runner_of("float").context()
    quantizer = technique_class("ptq")()
    prepared = quantizer.prepared(model, context.calibration)
    rehearsal.check_quantizer(prepared, quantizer, Profile(level=8, low=2, high=8), context)


class Deaf(nn.Module):
    """Gives every image the same answer, without a look at it."""

    def __init__(self):
        super().__init__()
        self.embedding, self.fc = nn.Parameter(torch.ones(1, 3)), nn.Linear(3, 4)

    def forward(self, images):
        return self.fc(self.embedding).expand(len(images), 4)


def deaf():
    return Deaf()


def undefined():
    model = network(8)
    nn.init.constant_(model[0].weight, float("nan"))
    return model


@pytest.mark.parametrize(
    ("target", "reason"),
    [("deaf", "does not depend on the image"), ("undefined", "answers NaN before it is trained")],
)
def test_a_network_that_cannot_learn_is_refused_with_the_reason(target, reason):
    recipe = small_space().recipe(FLOAT, seed=3).model_copy(update={"stages": (architecture(target),)})
    runner = StageRunner(recipe, small_dataset(), torch.device("cpu"))
    with pytest.raises(InfeasibleError, match=reason):
        runner.run()
    assert runner.epochs_trained == 0
