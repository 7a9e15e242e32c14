"""What is predicted before training is what the trial's file turns out to be."""

import itertools
import random

import pytest
import torch
from installed_plugins import also_installed
from scipy.stats import spearmanr

from automl.core.target import Target
from automl.datasets.load import load_dataset
from automl.errors import InfeasibleError, SearchError
from automl.export.onnx_writer import export_onnx, onnx_bytes
from automl.measure.latency import LatencyMeter
from automl.metric import Measurement, Metric
from automl.pipeline.conversion import deploy
from automl.pipeline.stages import StageRunner
from automl.predict.latency_model import TimedNetwork
from automl.predict.latency_samples import LatencySamples
from automl.predict.space_predictor import SpacePredictor
from automl.predict.structure import Problem, untrained_network
from automl.registry import METRIC, TECHNIQUE
from automl.spaces.load import load_space
from automl.suggest.suggester import random_point
from automl.technique import Architecture, Pruner, Quantizer

SPACE = """
architecture:
  conv_net: {depth: 3, width_1: 16, width_2: [20, 24], width_3: 32, kernel: 3, activation: [relu, gelu, hardswish]}
  resnet: {stages: 2, blocks: 1, width: 8}
  mobilenet_v2: {stages: 2, blocks: 2, width: 8, expansion: 4, kernel: 3}
  unbuildable:
  broken:
  odd:
  tempting:
training: {epochs: 1, learning_rate: 0.02, max_train_images: 256}
pruner:
  none:
  level: {recovery_epochs: 0}
  l1_norm: {recovery_epochs: 1}
  slim: {scoring_epochs: 1, recovery_epochs: 0}
  agp: {base: l1_norm, epochs: 1, recovery_epochs: 0}
  secretive:
sparsity: {level: [0.2, 0.5], slope: 0.1}
quantizer:
  none:
  ptq:
  qat: {epochs: 1}
  lsq: {epochs: 1}
  silent:
  failing:
weight_bits: {level: [2, 3, 4, 6, 8], slope: 1}
"""
CONV_NET = {"architecture": "conv_net", "conv_net.width_2": 24, "conv_net.activation": "relu"}
RESNET = {"architecture": "resnet"}
MOBILENET = {"architecture": "mobilenet_v2"}
GELU = {**CONV_NET, "conv_net.activation": "gelu", "conv_net.width_2": 20}
FLOAT = {"pruner": "none", "quantizer": "none"}
RECIPES = {
    "conv_net": {**CONV_NET, **FLOAT},
    "conv_net level ptq": {**CONV_NET, "pruner": "level", "quantizer": "ptq", "bits": 8},
    "conv_net l1_norm qat": {**CONV_NET, "pruner": "l1_norm", "sparsity": 0.5, "quantizer": "qat", "bits": 3},
    "conv_net agp lsq": {**CONV_NET, "pruner": "agp", "sparsity": 0.2, "quantizer": "lsq", "bits": 4},
    "gelu slim": {**GELU, "pruner": "slim", "sparsity": 0.5, "quantizer": "none"},
    "gelu qat": {**GELU, "pruner": "none", "quantizer": "qat", "bits": 2},
    "hardswish l1_norm ptq": {
        **CONV_NET, "conv_net.activation": "hardswish", "pruner": "l1_norm", "sparsity": 0.2,
        "quantizer": "ptq", "bits": 6,
    },
    "resnet l1_norm": {**RESNET, "pruner": "l1_norm", "sparsity": 0.5, "quantizer": "none"},
    "resnet ptq": {**RESNET, "pruner": "none", "quantizer": "ptq", "bits": 3},
    "resnet agp lsq": {**RESNET, "pruner": "agp", "sparsity": 0.5, "quantizer": "lsq", "bits": 6},
    "mobilenet_v2 l1_norm ptq": {**MOBILENET, "pruner": "l1_norm", "sparsity": 0.5, "quantizer": "ptq", "bits": 4},
    "mobilenet_v2 slim qat": {**MOBILENET, "pruner": "slim", "sparsity": 0.2, "quantizer": "qat", "bits": 8},
}  # fmt: skip


class Unbuildable(Architecture):
    name = "unbuildable"

    def build(self, _context):
        raise InfeasibleError("no such network")


class Broken(Architecture):
    name = "broken"

    def build(self, _context):
        raise RuntimeError("a fault of the plugin")


class _Odd(torch.nn.Module):
    def forward(self, images):
        return torch.fft.fft2(images).abs().flatten(1)[:, :4]


class Odd(Architecture):
    """Takes a Fourier transform, which the exporter does not know."""

    name = "odd"

    def build(self, _context):
        return _Odd()


class Failing(Quantizer):
    name = "failing"

    def untrained(self, _model, weight_bits, _context):
        return 1 / (weight_bits.level - weight_bits.level)

    def quantize(self, model, weight_bits, context):
        raise NotImplementedError


class Tempting(Architecture):
    """Trains while it builds, and shares what it made."""

    name = "tempting"

    def build(self, context):
        def make():
            model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, context.task.outputs))
            torch.nn.init.ones_(model[1].weight)
            context.fit(model, epochs=100, learning_rate=0.1)
            return model

        return context.once("supernet", make)


class Secretive(Pruner):
    name = "secretive"

    def prune(self, model, _sparsity, _context):
        return model


class Silent(Quantizer):
    name = "silent"

    def quantize(self, model, _weight_bits, _context):
        raise NotImplementedError


@pytest.fixture(scope="module", autouse=True)
def techniques():
    """Install the techniques above beside those that ship."""
    torch.set_num_threads(1)
    with also_installed(TECHNIQUE, Unbuildable, Broken, Odd, Failing, Tempting, Secretive, Silent):
        yield


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    file = tmp_path_factory.mktemp("space") / "shapes.yaml"
    file.write_text(SPACE, encoding="utf-8")
    return load_space(str(file))


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("digits")


@pytest.fixture
def predictor(space, dataset) -> SpacePredictor:
    return SpacePredictor(space, Problem.of(dataset))


def point_of(short):
    names = {"bits": "weight_bits.level", "sparsity": "sparsity.level"}
    point = {names.get(name, name): value for name, value in short.items()}
    return point if point["pruner"] == "none" else {"sparsity.level": 0.5, **point}


@pytest.mark.parametrize("short", RECIPES.values(), ids=RECIPES.keys())
def test_size_and_parameters_are_those_of_the_trained_network(short, space, dataset, predictor, tmp_path):
    point = point_of(short)
    (predicted,) = predictor.predict([point])
    compressed = StageRunner(space.recipe(point, seed=0), dataset, torch.device("cpu")).run()
    path = tmp_path / "model.onnx"
    export_onnx(
        compressed.model,
        path,
        image_shape=dataset.image_shape,
        normalization=dataset.normalization,
        quantization=compressed.quantization,
    )
    assert predicted["size_bytes"] == pytest.approx(path.stat().st_size, rel=0.01)
    assert predicted["parameters"] == sum(parameter.numel() for parameter in compressed.model.parameters())


def test_weights_and_equal_points_do_not_matter(space, dataset):
    points = [point_of(short) for short in itertools.islice(RECIPES.values(), 3)]
    first = SpacePredictor(space, Problem.of(dataset)).predict(points)
    again = SpacePredictor(space, Problem.of(dataset), seed=7).predict([*points, points[0]])
    assert again == [*first, first[0]]


def test_the_random_state_of_the_caller_stays(predictor):
    before = torch.random.get_rng_state()
    predictor.predict([point_of(RECIPES["conv_net l1_norm qat"])])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_nothing_is_trained(space, dataset):
    recipe = space.recipe({"architecture": "tempting", **FLOAT}, seed=0)
    network = untrained_network(recipe, Problem.of(dataset))
    assert (network.model.get_submodule("1").weight == 1).all()


@pytest.mark.parametrize(
    "point",
    [
        {"architecture": "unbuildable", **FLOAT},
        {"architecture": "broken", **FLOAT},
        {**RESNET, "pruner": "secretive", "sparsity.level": 0.5, "quantizer": "none"},
        {**RESNET, "pruner": "none", "quantizer": "silent", "weight_bits.level": 4},
    ],
    ids=["refused", "failing", "pruner that does not tell", "quantizer that does not tell"],
)
def test_what_cannot_be_known_is_not_predicted(point, predictor):
    assert predictor.predict([point]) == [{}]


def test_a_technique_that_fails_is_named_once_with_its_error_and_where(space, dataset):
    told = []
    predictor = SpacePredictor(space, Problem.of(dataset), say=told.append)
    other = {**RESNET, "pruner": "none", "quantizer": "failing", "weight_bits.level": 4}
    points = [
        {"architecture": "broken", **FLOAT},
        {"architecture": "broken", "pruner": "level", "sparsity.level": 0.5, "quantizer": "none"},
        other,
        {**other, "weight_bits.level": 8},
        {"architecture": "unbuildable", **FLOAT},
        {**RESNET, "pruner": "secretive", "sparsity.level": 0.5, "quantizer": "none"},
    ]
    assert predictor.predict(points) == [{}] * len(points)
    assert len(told) == 2, "those that refuse a point, or say nothing, are no faults"
    for note, words in zip(
        told,
        (
            (
                "architecture broken of tests 1",
                "RuntimeError: a fault of the plugin",
                "test_predict_space_predictor.py",
            ),
            ("quantizer failing of tests 1", "ZeroDivisionError", "test_predict_space_predictor.py, line "),
        ),
        strict=True,
    ):
        assert all(word in note for word in words), note
        assert "\n" not in note


def test_a_network_that_the_exporter_refuses_is_laid_to_its_architecture(space, dataset):
    told = []
    predictor = SpacePredictor(space, Problem.of(dataset), say=told.append)
    assert predictor.predict([{"architecture": "odd", **FLOAT}]) == [{}]
    assert told[0].startswith("architecture odd of tests 1 cannot be described before training")


def test_a_fault_is_logged_where_nobody_asks_to_be_told(space, dataset, caplog):
    SpacePredictor(space, Problem.of(dataset)).predict([{"architecture": "broken", **FLOAT}])
    assert "architecture broken of tests 1 cannot be described" in caplog.text


class Joules(Measurement):
    """A metric of somebody else that is foreseen by what is known of a network."""

    metric = Metric("joules")
    is_broken = False

    def measure(self, deployed):
        return float(deployed.parameters)

    def foreseen(self, sketch):
        if self.is_broken:
            raise ValueError("no idea")
        return sketch.macs / 1000


def test_a_metric_of_anybody_is_foreseen_or_its_fault_told_once(space, dataset, monkeypatch):
    told, point = [], point_of(RECIPES["conv_net"])
    with also_installed(METRIC, Joules):
        predictor = SpacePredictor(space, Problem.of(dataset), say=told.append)
        (known,) = predictor.predict([point])
        assert known["joules"] == known["macs"] / 1000
        assert not predictor.must_learn(["joules", "size_bytes", "accuracy"])
        assert predictor.must_learn(["accuracy", "latency_ms"])
        assert told == []
        monkeypatch.setattr(Joules, "is_broken", True)
        without, again = predictor.predict([point, point])
    assert without == again == {name: value for name, value in known.items() if name != "joules"}
    assert told == ["metric 'joules' of tests 1 raised ValueError: no idea; it is learnt from the trials alone"]


def test_a_converted_size_must_be_learnt(space, dataset):
    predictor = SpacePredictor(space, Problem.of(dataset), target=Target(device="openvino"))
    assert predictor.must_learn(["size_bytes"])
    assert not predictor.must_learn(["download_bytes", "parameters"])


@pytest.fixture(scope="module")
def timed(space, dataset, tmp_path_factory):
    """A predictor that knows prices, and its meter."""
    predictor = SpacePredictor(space, Problem.of(dataset))
    meter = LatencyMeter(state_dir=tmp_path_factory.mktemp("meter"))
    predictor.learn_latency(random_points(space, 60), meter, networks=24)
    return predictor, meter


def random_points(space, count):
    """Draw points of the techniques that ship."""
    generator = random.Random(0)  # noqa: S311
    drawn = (random_point(space, generator) for _ in itertools.count())
    known = (
        point for point in drawn if not {"unbuildable", "broken", "odd", "failing", "tempting"} & set(point.values())
    )
    return list(itertools.islice(known, count))


@pytest.mark.slow
def test_latencies_are_ranked_as_measured(timed, space, dataset, tmp_path):
    predictor, meter = timed
    task, path = Problem.of(dataset), tmp_path / "model.onnx"
    predicted, measured = [], []
    for short in RECIPES.values():
        (metrics,) = predictor.predict([point_of(short)])
        if "latency_ms" not in metrics:
            continue  # it does work that none of the 24 networks did, as an activation on codes that are rare here
        network = untrained_network(space.recipe(point_of(short), seed=0), task)
        shape, normalization = task.image_shape, task.normalization
        export_onnx(
            network.model, path, image_shape=shape, normalization=normalization, quantization=network.quantization
        )
        predicted.append(metrics["latency_ms"])
        measured.append(meter.measure(path, images=dataset.validation.images[:1]).latency_ms)
    assert len(predicted) >= 0.75 * len(RECIPES)
    assert spearmanr(predicted, measured).statistic > 0.8


@pytest.mark.slow
def test_a_host_is_timed_once(timed, space, dataset):
    predictor, meter = timed
    again = SpacePredictor(space, Problem.of(dataset))
    model = again.learn_latency([], meter, networks=24)
    assert model == predictor.latency_model
    assert again.predict([point_of(RECIPES["resnet ptq"])]) == predictor.predict([point_of(RECIPES["resnet ptq"])])


def test_learning_ends_in_time_and_goes_on_where_it_ended(space, dataset, tmp_path):
    predictor, meter = SpacePredictor(space, Problem.of(dataset)), LatencyMeter(state_dir=tmp_path)
    with pytest.raises(SearchError, match="has 0; measure more"):
        predictor.learn_latency(random_points(space, 60), meter, seconds=0.0)
    assert not predictor.knows_latency(meter)
    predictor.learn_latency(random_points(space, 60), meter, networks=20)
    assert predictor.knows_latency(meter, networks=20)
    assert not predictor.knows_latency(meter)


def test_size_of_a_converted_file_is_unknown_before_prices_are(space, dataset):
    predictor = SpacePredictor(space, Problem.of(dataset), target=Target(device="openvino"))
    (metrics,) = predictor.predict([point_of(RECIPES["resnet ptq"])])
    assert metrics.keys() == {"parameters", "macs"}


@pytest.mark.slow
def test_size_of_a_converted_file_is_estimated_from_those_that_were_converted(space, dataset, tmp_path):
    target = Target(device="openvino")
    predictor, meter = (
        SpacePredictor(space, Problem.of(dataset), target=target),
        LatencyMeter(target, state_dir=tmp_path),
    )
    samples = LatencySamples(tmp_path, target)
    files = ((point, untrained_file(space, dataset, point)) for point in random_points(space, 60))
    for point, content in itertools.islice(((point, file) for point, file in files if file is not None), 24):
        deployed = deployed_bytes(content, target, tmp_path)
        samples.add(predictor._origin, TimedNetwork(work_of(predictor, point), 0.1, len(content), deployed))
    predictor.learn_latency([], meter)
    points = [point_of(short) for short in itertools.islice(RECIPES.values(), 0, None, 4)]
    for point, predicted in zip(points, predictor.predict(points), strict=True):
        content = untrained_file(space, dataset, point)
        deployed = deployed_bytes(content, target, tmp_path)
        assert predicted["size_bytes"] == pytest.approx(deployed, rel=0.25)
        assert predicted["size_bytes"] > 1.2 * len(content)


def deployed_bytes(content, target, folder):
    (folder / "model.onnx").write_bytes(content)
    written = deploy(folder / "model.onnx", target)
    return sum(written.with_name(name).stat().st_size for name in ("model.xml", "model.bin"))


def work_of(predictor, point):
    return predictor._forecast(point).work


def untrained_file(space, dataset, point):
    """Give the ONNX file of a point, or None where it cannot be known before training."""
    network = untrained_network(space.recipe(point, seed=0), Problem.of(dataset))
    if network is None:
        return None
    return onnx_bytes(
        network.model,
        image_shape=dataset.image_shape,
        normalization=dataset.normalization,
        quantization=network.quantization,
    )


def test_latency_is_unknown_before_prices_are(predictor):
    (metrics,) = predictor.predict([point_of(RECIPES["resnet ptq"])])
    assert metrics.keys() == {"size_bytes", "parameters", "macs"}
