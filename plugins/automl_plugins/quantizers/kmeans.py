"""Weight sharing: each layer has a codebook of few values, found by k-means and then trained."""

from typing import TYPE_CHECKING, ClassVar

from automl.technique import Profile, StageContext, WeightQuantization
from automl_plugins.quantizers.weights_first_quantizer import WeightsFirstQuantizer

if TYPE_CHECKING:  # torch takes seconds to import, and listing the plugins needs none of it
    from torch import Tensor, nn


class KMeans(WeightsFirstQuantizer):
    """Clusters the weights of each layer, then trains the values that they share.

    A layer has ``2**b`` values, which are rounded to int8 at the end, with which the runtime computes. Weights that
    a pruner set to zero stay zero, and zero then is one of the values. NNI has no such quantizer; the clusters are
    scikit-learn's.
    """

    name: ClassVar[str] = "kmeans"
    paper: ClassVar[str] = "Han et al., Deep Compression: Pruning, Trained Quantization and Huffman Coding, 2016"

    def train(self, model: "nn.Module", weight_bits: Profile, context: StageContext) -> None:
        """Cluster with scikit-learn, train the values."""
        from automl_plugins.quantizers._codebook import share_values, stop_sharing
        from automl_plugins.quantizers._folded_grids import fold_signs
        from automl_plugins.quantizers._quantized_tensors import layer_bits

        bits = layer_bits(model, weight_bits)
        signs = fold_signs(model, bits, context.calibration)
        for name in bits:
            share_values(model.get_submodule(name), signs[name], 2 ** bits[name])
        context.fit(model, epochs=self.epochs, learning_rate=self.learning_rate)
        for name in bits:
            stop_sharing(model.get_submodule(name))

    def snap(self, model: "nn.Module", weight_bits: Profile, images: "Tensor") -> dict[str, WeightQuantization]:
        """Round the values of each layer to int8: the largest becomes 127."""
        import torch

        from automl.network.grids import put_on_grid
        from automl_plugins.quantizers._codebook import centres
        from automl_plugins.quantizers._folded_grids import SMALLEST_SCALE, fold_signs
        from automl_plugins.quantizers._quantized_tensors import layer_bits

        bits = layer_bits(model, weight_bits)
        signs = fold_signs(model, bits, images)
        grids = {}
        for name, width in bits.items():
            weight = model.get_submodule(name).get_parameter("weight")
            values = centres(weight.detach() * signs[name], 2**width)
            scale = (values.abs().max() / 127).clamp_min(SMALLEST_SCALE)
            levels = tuple(torch.unique((values / scale).round().int()).tolist())
            grids[name] = WeightQuantization(width, (scale.item(),) * len(weight), levels)
            put_on_grid(weight, grids[name], signs[name])
        return grids
