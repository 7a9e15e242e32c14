"""Optuna's samplers by their names; Optuna is imported when a search makes one."""

from automl.core.trial import Trial
from automl.core.value import Point, Scalar
from automl.sampler import Sampler, SearchProblem


class OptunaSampler(Sampler):
    """One of Optuna's samplers, with several objectives and constraints."""

    def __init__(self, problem: SearchProblem) -> None:
        from automl.suggest.optuna_suggester import OptunaSuggester

        self._suggester = OptunaSuggester(problem.space, problem.objectives, sampler=self.name, seed=problem.seed)

    def ask(self) -> dict[str, Scalar] | None:
        """Propose a point never proposed before."""
        return self._suggester.ask()

    def reserve(self, point: Point) -> None:
        """Tell Optuna of a point that it did not propose."""
        self._suggester.reserve(point)

    def tell(self, trial: Trial) -> None:
        """Tell Optuna what became of a point."""
        self._suggester.tell(trial)


class TPE(OptunaSampler):
    """Tree-structured Parzen estimator: draws what good trials have more often than the others.

    Optuna's, over all parameters together, after 20 random points.
    """

    name = "tpe"
    paper = "Bergstra, Bardenet, Bengio, Kégl, Algorithms for Hyper-Parameter Optimization, 2011"


class GP(OptunaSampler):
    """Gaussian process: proposes what promises the most hypervolume, all objectives modelled.

    Optuna's; it takes the longer, the more trials there are.
    """

    name = "gp"
    paper = "Watanabe, GPSampler: Gaussian Process-based Sampler of Optuna, 2024"


class NSGA2(OptunaSampler):
    """Genetic algorithm that keeps the best non-dominated points, spread over the front.

    Optuna's, 20 points a generation.
    """

    name = "nsga2"
    paper = "Deb, Pratap, Agarwal, Meyarivan, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II, 2002"


class NSGA3(OptunaSampler):
    """Genetic algorithm for many objectives, which keeps points near reference directions.

    Optuna's, 20 points a generation.
    """

    name = "nsga3"
    paper = (
        "Deb, Jain, An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based Nondominated "
        "Sorting Approach, 2014"
    )


class Random(OptunaSampler):
    """Draws every parameter uniformly from its domain, or log-uniformly where the domain says so."""

    name = "random"
