"""What one parameter may be: three kinds of domain with the same methods, so that nobody asks for the kind.

Every domain also lies on a scale from 0 to 1, on which designs are spread, values are drawn and distances are taken.
"""

from typing import Annotated

from pydantic import Field

from automl.core.categorical import Categorical
from automl.core.number_range import Integer, Real

__all__ = ["Categorical", "Domain", "Integer", "Real"]

Domain = Annotated[Integer | Real | Categorical, Field(discriminator="kind")]
"""Any of the three."""
