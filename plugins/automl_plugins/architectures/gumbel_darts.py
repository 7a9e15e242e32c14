"""A supernet that draws its choices, ever more decidedly, by weights that are learned."""

from typing import Any, ClassVar

from automl_plugins.architectures.darts import Darts


class GumbelDarts(Darts):
    """Inherits from a supernet as ``darts`` does, whose choices are drawn from a Gumbel softmax that cools down."""

    name: ClassVar[str] = "gumbel_darts"
    paper: ClassVar[str] = "Dong and Yang, Searching for a Robust Neural Architecture in Four GPU Hours, 2019"

    def strategy(self) -> Any:
        """Give NNI's GumbelDARTS."""
        from automl_plugins.nni.one_shot import GumbelDARTS

        return GumbelDARTS()
