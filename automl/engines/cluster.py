"""Where trials run, as the user states it; apart from the engine, so that naming a cluster does not import Ray."""

import socket
from dataclasses import dataclass

from automl.errors import UsageError

LOCAL = "local"
AUTO = "auto"
_ANSWERS_WITHIN_S = 5.0


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

    def check(self) -> None:
        """Refuse what cannot run a trial.

        Raises:
            UsageError: Naming the value.
        """
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"{self.workers} workers can run nothing; give --workers 1 or more")
        if not self.gpus_per_trial >= 0:
            raise UsageError(f"{self.gpus_per_trial:g} GPUs a trial is not 0 or more; correct --gpus-per-trial")
        if self.address == LOCAL:
            self._check_gpus()
        elif self.address != AUTO:
            self._check_address()

    def _check_gpus(self) -> None:
        import torch

        if self.gpus_per_trial > torch.cuda.device_count():  # Ray would wait for one for ever
            raise UsageError(
                f"a trial asks for {self.gpus_per_trial:g} GPUs and this machine has {torch.cuda.device_count()}; "
                "lower --gpus-per-trial, or name a cluster with --address"
            )

    def _check_address(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise UsageError(f"address {self.address!r} is none of local, auto and HOST:PORT")
        try:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_ANSWERS_WITHIN_S).close()
        except OSError as error:
            raise UsageError(
                f"nothing answers at address {self.address!r}: {error.strerror or error}; "
                "start a cluster with `ray start --head`, or leave --address out"
            ) from error
