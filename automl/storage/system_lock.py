"""The system's lock on a file: freed when its holder dies, and told apart from a file system that has none.

``filelock`` has no such distinction in the versions that NNI allows (below 3.12): it takes a file system without locks
for one whose lock somebody holds, and waits forever.
"""

import errno
import fcntl
from typing import IO

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class NoLocksError(OSError):
    """The file system has no locks."""


def lock_file(file: IO[str], *, wait: bool = True) -> bool:
    """Lock an open file against whoever else opens it, until it is closed or this process ends.

    Args:
        file: Open for writing.
        wait: Whether to wait for another holder.

    Returns:
        Whether it is locked: False where another holds it and there is no waiting.

    Raises:
        NoLocksError: If the file system has no locks.
        OSError: If the file cannot be locked for another reason.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise NoLocksError(error.errno, error.strerror) from error
        raise
    return True
