"""Measures a metric while nothing else is measured on this host."""

from dataclasses import replace
from functools import partial
from typing import NoReturn

from automl.measure.host_lock import exclusive
from automl.measure.opened_file import OpenedFile
from automl.measure.reference import Reference
from automl.measure.timing import LOCK_FILE, time_file
from automl.measurements import measured_values
from automl.metric import Deployed, Measurement


def sendable(deployed: Deployed) -> Deployed:
    """Give a deployed network that another process can be sent: what it would count is counted, nothing is open."""
    return replace(
        deployed,
        run=_not_here,
        timed=_not_here,
        count_macs=partial(int, deployed.count_macs()),
        count_packed_bytes=partial(int, deployed.count_packed_bytes()),
    )


def measure_alone(measurement: Measurement, deployed: Deployed, *, reference: Reference) -> dict[str, float]:
    """Measure in this process, which should do nothing else in its life, under the lock of its host.

    Args:
        measurement: Of the metric.
        deployed: As ``sendable`` gave it.
        reference: The host's lock lies beside what it knows.

    Raises:
        MeasureError: Naming the metric.
    """
    path, target = deployed.files[0], deployed.target
    timed = partial(time_file, path, deployed.images[:1], target, reference=reference, is_alone=True)
    opened = replace(deployed, run=OpenedFile(path, target), timed=timed)
    with exclusive(reference.state_dir / LOCK_FILE):
        return measured_values(measurement, opened)


def _not_here(*_arguments: object) -> NoReturn:
    raise NotImplementedError  # the other process opens the file for itself
