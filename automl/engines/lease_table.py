"""Who holds which key until when, so that a holder that dies blocks nobody for long."""

import time
from collections.abc import Callable


class LeaseTable:
    """Leases of keys; a holder renews its lease while it is alive.

    Args:
        lease_seconds: How long a lease holds without being renewed.
        clock: Seconds since some moment.
    """

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._leases: dict[str, tuple[str, float]] = {}

    def acquire(self, key: str, holder: str) -> bool:
        """Take a key that nobody holds, or renew one's own lease; say whether the holder has it now."""
        now = self._clock()
        other, ends = self._leases.get(key, (holder, now))
        if other != holder and ends > now:
            return False
        self._leases[key] = (holder, now + self._lease_seconds)
        return True

    def release(self, key: str, holder: str) -> None:
        """Give a key back; another's is left alone."""
        if self._leases.get(key, ("", 0.0))[0] == holder:
            del self._leases[key]
