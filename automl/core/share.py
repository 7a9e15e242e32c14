"""Where a value lies in a domain: a share from 0 to below 1."""

_BELOW_ONE = 1.0 - 1e-9


def inside(share: float) -> float:
    """Give the share nearest to ``share`` at which a domain has a value.

    >>> inside(-0.5)
    0.0
    """
    return min(max(share, 0.0), _BELOW_ONE)
