"""The Gaussian process agrees with scikit-learn's own kernels, and its gradient with differences."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from automl.core.objective import Objective
from automl.suggest.gaussian_process import GaussianProcess, GroupedMatern
from automl.suggest.known_metrics import Correction
from automl.suggest.loss_model import LossModel, loss_of

GROUPS = (0, 0, 1, 2)


def rows_of(count, seed=0):
    return np.random.default_rng(seed).random((count, len(GROUPS)))


def wave(rows):
    return np.sin(5 * rows[:, 0]) + rows[:, 2] ** 2


def test_predictions_are_those_of_the_same_kernel_written_otherwise():
    weights = np.array([3.0, 0.7, 0.2])
    columns = 1 / np.sqrt(weights)[list(GROUPS)]
    standard = ConstantKernel(1.5) * Matern(columns, nu=2.5) + WhiteKernel(0.01)
    rows, asked = rows_of(20), rows_of(30, seed=1)
    ours = GaussianProcessRegressor(GroupedMatern(GROUPS, weights, 1.5, 0.01), optimizer=None).fit(rows, wave(rows))
    theirs = GaussianProcessRegressor(standard, optimizer=None).fit(rows, wave(rows))
    mean, deviation = GaussianProcess(ours, offset=0.0, scale=1.0).predict(asked)
    expected, noisy = theirs.predict(asked, return_std=True)
    assert mean == pytest.approx(expected)
    assert np.square(deviation) + 0.01 == pytest.approx(np.square(noisy))  # theirs counts the noise of a measurement


def test_the_gradient_is_that_of_differences():
    kernel, rows = GroupedMatern(GROUPS, [3.0, 0.7, 0.2], 1.5, 0.01), rows_of(8)
    covariance, gradient = kernel(rows, eval_gradient=True)
    for index, step in enumerate(1e-6 * np.eye(5)):
        moved = kernel.clone_with_theta(kernel.theta + step)(rows)
        assert (moved - covariance) / 1e-6 == pytest.approx(gradient[:, :, index], abs=1e-4)


def test_it_finds_which_columns_matter_and_how_sure_it_is():
    rows, asked = rows_of(60), rows_of(200, seed=1)
    process = GaussianProcess.fit(rows, wave(rows), GROUPS)
    mean, deviation = process.predict(asked)
    errors = mean - wave(asked)
    assert np.sqrt(np.mean(errors**2)) < 0.25 * wave(asked).std()
    assert np.mean(np.abs(errors) < 2 * deviation) > 0.8


def test_values_that_are_all_equal_are_predicted_as_that():
    mean, _ = GaussianProcess.fit(rows_of(5), np.full(5, 3.0), GROUPS).predict(rows_of(3, seed=1))
    assert mean == pytest.approx(3.0)


def test_more_rows_than_hyperparameters_are_found_with_all_count():
    rows = rows_of(140)
    mean, deviation = GaussianProcess.fit(rows, wave(rows), GROUPS).predict(rows[:5])  # the oldest
    assert mean == pytest.approx(wave(rows[:5]), abs=0.05)
    assert deviation.max() < 0.1


def test_what_runs_is_believed_and_no_longer_uncertain():
    rows, running = rows_of(20), rows_of(2, seed=7)
    model = LossModel(rows, np.exp(wave(rows)), groups=GROUPS, is_logarithmic=True)
    before = model.forecast(running)
    after = model.believing(running).forecast(running)
    assert after.mean == pytest.approx(before.mean, abs=0.02)
    assert (after.deviation < 0.6 * before.deviation).all()


def test_outliers_do_not_bend_the_model():
    rows = rows_of(30)
    losses = np.where(np.arange(30) == 3, 1e6, np.exp(wave(rows)))
    clipped = LossModel(rows, losses, groups=GROUPS, outliers_above=5.0, is_logarithmic=True)
    assert clipped.forecast(rows[3:4]).mean < np.log(5.5)


def test_exact_predictions_are_taken_at_their_word():
    sizes = np.array([10.0, 20.0])
    forecast = Correction.of(sizes, sizes).forecast(np.array([30.0]), np.zeros(1))
    assert np.exp(forecast.mean) == pytest.approx([30.0])
    assert forecast.deviation.tolist() == [0.0]


def test_estimates_are_corrected_by_the_factor_and_the_spread_that_trials_show():
    generator = np.random.default_rng(0)
    predicted = generator.uniform(1, 10, 200)
    measured = predicted * np.exp(0.4 + 0.05 * generator.standard_normal(200))
    correction = Correction.of(predicted, measured)
    assert correction.log_ratio == pytest.approx(0.4, abs=0.02)
    assert correction.deviation == pytest.approx(0.05, abs=0.01)
    assert Correction.of(np.empty(0), np.empty(0)).forecast(np.ones(1), np.zeros(1)).mean == pytest.approx([0.0])


def test_an_accuracy_becomes_an_error_and_other_metrics_their_loss():
    assert loss_of(Objective.parse("accuracy:max"), 0.75) == 0.25
    assert loss_of(Objective.parse("accuracy:max"), 1.0) > 0
    assert loss_of(Objective.parse("size_bytes:min"), 7.0) == 7.0
    assert loss_of(Objective.parse("speed:max"), 7.0) == -7.0
