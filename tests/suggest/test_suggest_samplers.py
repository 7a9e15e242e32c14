"""Every sampler is made by its name, and listing the names costs nothing."""

import subprocess
import sys

import pytest
from tiny_study import OBJECTIVES, space_of, tiny_space

from automl.errors import UsageError
from automl.registry import SAMPLER
from automl.suggest.optuna_suggester import SAMPLERS
from automl.suggest.samplers import check_sampler, make_suggester, sampler_names


def test_samplers_of_optuna_and_strategies_of_plugins_are_listed_once():
    assert set(sampler_names()) >= {*SAMPLERS, *SAMPLER.installed(), "evolution", "rl"}
    assert len(set(sampler_names())) == len(sampler_names())


@pytest.mark.parametrize("name", sampler_names())
def test_every_name_makes_a_suggester_that_proposes_points_of_the_space(name):
    space = tiny_space()
    point = make_suggester(space, OBJECTIVES, sampler=name, seed=0).ask()
    assert space.canonical(point) == point


@pytest.mark.parametrize("name", sampler_names())
def test_a_space_in_which_nothing_is_to_choose_has_one_point(name):
    suggester = make_suggester(space_of(), OBJECTIVES, sampler=name, seed=0)
    assert suggester.ask() == {}
    assert suggester.ask() is None


def test_unknown_name_is_refused_with_those_that_there_are():
    check_sampler("evolution")
    with pytest.raises(UsageError, match=r"unknown sampler 'tpx'; choose one of auto, tpe, .*evolution, rl"):
        check_sampler("tpx")
    with pytest.raises(UsageError, match="unknown sampler 'tpx'"):
        make_suggester(tiny_space(), OBJECTIVES, sampler="tpx", seed=0)


def test_listing_the_names_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from automl.suggest.samplers import sampler_names\n"
        "sampler_names()\n"
        "heavy = {'torch', 'nni', 'optuna', 'numpy', 'tianshou'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
