"""The two shapes that values take: a strict frozen model, and the scalars of a point."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

Scalar = bool | int | float | str
"""What one parameter of a point may be."""

Point = Mapping[str, Scalar]
"""Parameter name to value: one candidate of a search space."""


class Value(BaseModel):
    """A frozen value that refuses unknown fields and implicit conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
