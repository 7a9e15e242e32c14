"""A metric as a third party ships it: one module, one class, one entry-point line."""

import time
from typing import ClassVar

from automl.metric import Deployed, Measurement, Metric, Sketch

_WATT = 5.0
_NJ_A_MULTIPLICATION = 0.2


class Energy(Measurement):
    """Energy that an image takes: what a processor of five watts uses while it computes."""

    metric: ClassVar[Metric] = Metric("energy_mj", symbol="mJ")
    is_measured_alone: ClassVar[bool] = True

    def measure(self, deployed: Deployed) -> float:
        started = time.process_time()
        deployed.run(deployed.images)
        return 1000 * _WATT * (time.process_time() - started) / len(deployed.images)

    def foreseen(self, sketch: Sketch) -> float:
        return 1e-6 * _NJ_A_MULTIPLICATION * sketch.macs
