"""Where trials run, as the user states it; apart from the engine, so that naming a cluster does not import Ray."""

from dataclasses import dataclass

LOCAL = "local"


@dataclass(frozen=True)
class Cluster:
    """Where trials run.

    Attributes:
        address: ``local`` for a cluster of this process, ``auto`` for one that runs on this machine,
            or ``HOST:PORT``.
        workers: Trials at a time; the number of processors where absent.
        gpus_per_trial: GPUs, or a part of one, that a trial asks for.
    """

    address: str = LOCAL
    workers: int | None = None
    gpus_per_trial: float = 0.0
