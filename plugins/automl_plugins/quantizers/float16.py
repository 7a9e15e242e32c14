"""Weights in half precision: half the file, the same speed."""

from typing import TYPE_CHECKING, ClassVar, Literal

from automl.errors import InfeasibleError
from automl.technique import Profile, Quantization, QuantizedModel, Quantizer, StageContext

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import nn

_BITS: Literal[16] = 16


class Float16(Quantizer):
    """Rounds weights and biases to IEEE half precision, without training.

    The file is half as large as in float32. On a CPU it is no faster: a runtime turns the numbers into float32
    while it loads, and computes with those. The bits of a space do not apply to this quantizer.
    """

    name: ClassVar[str] = "float16"
    takes_functions: ClassVar[bool] = True
    paper: ClassVar[str] = "IEEE, 754-2008: Standard for Floating-Point Arithmetic, 2008"

    def bits(self, weight_bits: Profile, layers: int) -> list[int]:  # noqa: ARG002 # the profile is of whole numbers
        """Give 16 for each layer."""
        return [_BITS] * layers

    def untrained(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:
        """Round, which is all there is to it."""
        return self.quantize(model, weight_bits, context)

    def quantize(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> QuantizedModel:  # noqa: ARG002
        """Round to the nearest number of half precision.

        Raises:
            InfeasibleError: If a weight is too large for it.
        """
        import torch

        with torch.no_grad():
            for name, parameter in model.named_parameters():
                rounded = parameter.half().to(parameter.dtype)
                if not torch.isfinite(rounded).all():
                    raise InfeasibleError(
                        f"{name!r} has the value {parameter.abs().max().item():.3g}, and float16 ends at "
                        f"{torch.finfo(torch.half).max:.0f}: choose another quantizer, or a lower learning rate"
                    )
                parameter.copy_(rounded)
        return QuantizedModel(model.eval(), Quantization(float_bits=_BITS))
