"""The fit loop learns, repeats itself from its seed, and stops where numbers go wrong."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from automl.core.augmentation import Augmentation
from automl.core.image import Normalization
from automl.core.training_settings import TrainingSettings
from automl.datasets.dataset import Split
from automl.datasets.load import load_dataset
from automl.errors import DatasetError, InfeasibleError
from automl.training.fit import FitReport, fit, task_loss
from automl.training.predict import predict
from automl_plugins.tasks.classification import Classification

CPU = torch.device("cpu")
TEN_CLASSES = Classification(outputs=10)
NORMALIZATION = Normalization(scale=1 / 64, zero_point=128)


def small_net(seed=0, *, width=16):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            *(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 2 * width, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU()),
            *(nn.Flatten(), nn.Dropout(0.1), nn.Linear(32 * width, 10)),
        )


def random_split(count):
    rng = np.random.default_rng(0)
    split = Split(rng.integers(256, size=(count, 1, 8, 8), dtype=np.uint8), rng.integers(10, size=count))
    split.images.setflags(write=False)
    split.labels.setflags(write=False)
    return split


def fit_briefly(model, split, *, seed=0, augmentation=Augmentation.SHIFT, options=None, on_epoch=None, **settings):
    options = options or {}
    settings = TrainingSettings(**{"epochs": 2, "batch_size": 8} | settings)
    return fit(
        model,
        split,
        settings=settings,
        normalization=NORMALIZATION,
        augmentation=augmentation,
        device=CPU,
        seed=seed,
        on_epoch=on_epoch,
        **{"loss": task_loss(TEN_CLASSES, settings), **options},
    )


def weights(model):
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


def test_small_network_learns_the_digits():
    dataset = load_dataset("digits")
    model = small_net()
    report = fit(
        model,
        dataset.train,
        settings=TrainingSettings(epochs=8),
        normalization=dataset.normalization,
        augmentation=dataset.augmentation,
        device=CPU,
        seed=0,
        loss=task_loss(dataset.task, TrainingSettings()),
    )
    logits = predict(model, dataset.validation.images, normalization=dataset.normalization, device=CPU)
    assert dataset.task.score(logits, dataset.validation.labels) > 0.95
    assert report.epochs == 8
    assert report.seconds > 0


@pytest.mark.parametrize("pauses", [(1,), (2,), (1, 3)])
def test_a_fit_that_paused_ends_in_the_very_weights_of_one_that_did_not(pauses):
    whole = small_net()
    fit_briefly(whole, random_split(40), epochs=4)
    checkpoint, epochs = None, 0
    for until_epoch in (*pauses, None):
        torch.manual_seed(99)  # another process has another random state
        paused = small_net(seed=0 if checkpoint is None else 1)
        options = {"until_epoch": until_epoch, "resume": checkpoint}
        report = fit_briefly(paused, random_split(40), epochs=4, options=options)
        checkpoint = pickle.loads(pickle.dumps(report.checkpoint))  # noqa: S301 # bytes of our own
        epochs += report.epochs
    assert checkpoint is None
    assert epochs == 4
    assert torch.equal(weights(whole), weights(paused))


def test_same_seed_gives_the_same_weights_whatever_the_callers_random_state():
    models = [small_net() for _ in range(3)]
    for model, seed, state in zip(models, (1, 1, 2), (10, 11, 12), strict=True):
        torch.manual_seed(state)
        fit_briefly(model, random_split(40), seed=seed)
    assert torch.equal(weights(models[0]), weights(models[1]))
    assert not torch.equal(weights(models[0]), weights(models[2]))


def test_random_state_of_the_caller_is_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit_briefly(small_net(), random_split(20))
    assert torch.equal(torch.rand(3), expected)


def test_model_is_left_in_evaluation_mode_and_trained_in_training_mode():
    modes = []
    model = small_net().eval()
    model[0].register_forward_hook(lambda module, *_: modes.append(module.training))
    fit_briefly(model, random_split(20), on_epoch=lambda *_: model.eval())
    assert all(modes)
    assert not model.training


def test_each_epoch_is_reported_with_its_mean_loss():
    reported = []
    report = fit_briefly(small_net(), random_split(20), epochs=3, on_epoch=lambda *args: reported.append(args))
    assert [epoch for epoch, _ in reported] == [1, 2, 3]
    assert report == FitReport(epochs=3, final_loss=reported[-1][1], seconds=report.seconds)


def test_loss_is_that_of_numpy_for_a_network_that_does_not_move():
    model, split = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), random_split(20)
    logits = predict(copy.deepcopy(model), split.images, normalization=NORMALIZATION, device=CPU).astype(np.float64)
    log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = np.eye(10)[split.labels] * 0.9 + 0.01
    report = fit_briefly(
        model, split, augmentation=Augmentation.NONE, epochs=1, learning_rate=1e-12, label_smoothing=0.1, batch_size=6
    )
    assert report.final_loss == pytest.approx(-(targets * log_shares).sum(axis=1).mean(), rel=1e-4)


def test_limit_takes_the_first_images():
    limited, whole = small_net(), small_net()
    split = random_split(40)
    fit_briefly(limited, split, max_train_images=16)
    fit_briefly(whole, Split(split.images[:16], split.labels[:16]))
    assert torch.equal(weights(limited), weights(whole))


def test_decay_shrinks_kernels_and_spares_biases():
    # pixels that are zero after normalisation give kernels no gradient, and biases one that no kernel changes
    blank = Split(np.full((16, 1, 8, 8), 128, np.uint8), np.arange(16) % 10)
    torch.manual_seed(0)
    before = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    plain, decayed = copy.deepcopy(before), copy.deepcopy(before)
    for model, weight_decay in ((plain, 0.0), (decayed, 0.5)):
        fit_briefly(model, blank, augmentation=Augmentation.NONE, weight_decay=weight_decay, learning_rate=0.1)
    shrinkage = decayed[1].weight.detach() / before[1].weight.detach()
    np.testing.assert_allclose(shrinkage, shrinkage.mean(), rtol=1e-5)
    assert shrinkage.mean() < 0.99
    assert torch.equal(plain[1].weight, before[1].weight)
    assert torch.equal(plain[1].bias, decayed[1].bias)


def test_frozen_parameters_do_not_move():
    model = small_net()
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    fit_briefly(model, random_split(20), weight_decay=0.5)
    assert torch.equal(model[0].weight, before["0.weight"])
    assert not torch.equal(model[3].weight, before["3.weight"])


@pytest.mark.parametrize("frozen", [("weight", "bias"), ("weight",), ()])
def test_a_norm_keeps_its_statistics_where_all_of_it_is_frozen(frozen):
    model = small_net()
    for name in frozen:
        model[1].get_parameter(name).requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    fit_briefly(model, random_split(20))
    after = model.state_dict()
    is_kept = {name: torch.equal(before[name], after[name]) for name in before}
    assert is_kept["1.running_mean"] is is_kept["1.running_var"] is (len(frozen) == 2)
    assert is_kept["1.weight"] is ("weight" in frozen)
    assert is_kept["1.bias"] is ("bias" in frozen)
    assert not is_kept["4.running_mean"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (small_net().requires_grad_(False), "all 8 parameters are frozen"),
        (nn.Sequential(nn.AvgPool2d(3), nn.Flatten(), nn.BatchNorm1d(4, affine=False)), "has no parameters"),
    ],
    ids=["frozen", "without parameters"],
)
def test_a_network_with_nothing_to_train_stays_as_it_is_and_that_is_said(model, words, caplog):
    before, heard = copy.deepcopy(model.state_dict()), []
    report = fit_briefly(model.train(), random_split(20), epochs=3, on_epoch=lambda epoch, _: heard.append(epoch))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not model.training
    assert (report.epochs, report.checkpoint, heard) == (0, None, [1, 2, 3])
    assert [record.getMessage() for record in caplog.records] == [
        f"nothing is trained: {words if 'all' in words else 'the network ' + words}; the network stays as it is"
    ]


def test_an_optimizer_of_frozen_parameters_alone_trains_nothing():
    model = small_net()
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    fit_briefly(model, random_split(20), options={"optimizer": torch.optim.SGD([model[0].weight], lr=0.1)})
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_pause_of_a_network_with_nothing_to_train_leaves_nothing_to_go_on_from():
    heard = []
    report = fit_briefly(
        small_net().requires_grad_(False),
        random_split(20),
        epochs=4,
        options={"until_epoch": 2},
        on_epoch=lambda epoch, _: heard.append(epoch),
    )
    assert heard == [1, 2]
    assert report.checkpoint is None


def test_a_trainable_parameter_that_the_answer_does_not_use_is_named_as_the_fault():
    model = small_net().requires_grad_(False)
    model.spare = nn.Module()
    model.spare.scale = nn.Parameter(torch.ones(1))
    model.forward = lambda images: nn.Sequential.forward(model[:9], images)
    with pytest.raises(InfeasibleError, match="the answer uses no parameter that is to be trained"):
        fit_briefly(model, random_split(20))


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float64"])
def test_weights_that_are_not_float32_are_refused_by_name(precision):
    model = small_net()
    model[3].to(getattr(torch, precision))
    with pytest.raises(InfeasibleError, match=rf"'3\.weight' is {precision}, and training takes float32: call .float"):
        fit_briefly(model, random_split(20))


def test_the_seed_decides_the_order_of_the_images():
    seen = []

    class Watching(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(64, 10)

        def forward(self, images):
            seen.append(images.flatten(1).sum(1).tolist())
            return self.linear(images.flatten(1))

    orders = []
    for seed in (1, 1, 2):
        seen.clear()
        fit_briefly(Watching(), random_split(32), seed=seed, augmentation=Augmentation.NONE, epochs=1)
        orders.append([value for batch in seen for value in batch])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_gradients_are_clipped_to_a_norm_of_one():
    norms = []

    class Recording(torch.optim.SGD):
        def step(self):
            gradients = [p.grad for group in self.param_groups for p in group["params"]]
            norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
            super().step()

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = Recording(model.parameters(), lr=1e-6)
    steep = lambda net, images, labels: 1000 * functional.cross_entropy(net(images), labels)  # noqa: E731
    fit_briefly(model, random_split(32), options={"optimizer": optimizer, "loss": steep})
    assert norms == pytest.approx([1.0] * 8, abs=1e-4)
    gentle = lambda net, images, labels: 1e-3 * functional.cross_entropy(net(images), labels)  # noqa: E731
    fit_briefly(model, random_split(32), options={"optimizer": optimizer, "loss": gentle})
    assert max(norms[8:]) < 0.1


@pytest.mark.parametrize("max_steps", [None, 5])
def test_the_schedule_ends_with_the_last_step(max_steps):
    rates = []

    class Recording(torch.optim.SGD):
        def step(self):
            rates.append(self.param_groups[0]["lr"])
            super().step()

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    optimizer = Recording(model.parameters(), lr=0.1)
    options = {"optimizer": optimizer, "max_steps": max_steps}
    fit_briefly(model, random_split(32), options=options, epochs=3, learning_rate=0.5)
    assert len(rates) == (max_steps or 12)
    assert max(rates) == pytest.approx(0.5, rel=0.05)
    assert rates[-1] == pytest.approx(0.5 / 25 / 1e4)  # one cycle: from a 25th of the peak to a 10,000th of that
    assert rates[0] == pytest.approx(0.5 / 25)


def test_the_last_weights_are_those_of_the_last_step_of_torchs_own_loop():
    split = random_split(16)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    own = copy.deepcopy(model)
    fit_briefly(
        model, split, augmentation=Augmentation.NONE, epochs=2, batch_size=16, weight_decay=0.1, label_smoothing=0.2
    )
    images, labels = torch.tensor((split.images.astype(np.float32) - 128) / 64), torch.tensor(split.labels)
    weight, bias = own[1].parameters()
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=2)
    for _ in range(2):
        optimizer.zero_grad()
        functional.cross_entropy(own(images), labels, label_smoothing=0.2).backward()
        nn.utils.clip_grad_norm_(own.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    torch.testing.assert_close(model.state_dict(), own.state_dict())


def test_leftover_image_does_not_break_batch_normalisation():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    fit_briefly(model, random_split(17))
    fit_briefly(model, random_split(5), batch_size=1)


def test_single_image_is_refused():
    with pytest.raises(DatasetError, match="1 training images are too few"):
        fit_briefly(small_net(), random_split(20), max_train_images=1)


def test_divergence_names_the_epoch_and_the_learning_rate():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        model[1].weight[0, 0] = torch.inf
    with pytest.raises(FloatingPointError, match=r"epoch 1 of 2 at learning rate 0\.25: lower the learning rate"):
        fit_briefly(model, random_split(16), learning_rate=0.25)


def test_infinite_gradient_under_a_finite_loss_is_divergence():
    class RootAtZero(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(10))

        def forward(self, images):
            return self.weight.sqrt() + images.mean(dim=(1, 2, 3))[:, None]

    with pytest.raises(FloatingPointError, match="diverged in epoch 1"):
        fit_briefly(RootAtZero(), random_split(8), epochs=1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_gpu_learns_the_digits_in_bfloat16():
    dataset, device, model = load_dataset("digits"), torch.device("cuda"), small_net()
    fit(
        model,
        dataset.train,
        settings=TrainingSettings(epochs=8),
        normalization=dataset.normalization,
        augmentation=dataset.augmentation,
        device=device,
        seed=0,
        loss=task_loss(dataset.task, TrainingSettings()),
    )
    logits = predict(model, dataset.validation.images, normalization=dataset.normalization, device=device)
    assert dataset.task.score(logits, dataset.validation.labels) > 0.95
