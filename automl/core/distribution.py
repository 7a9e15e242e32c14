"""The name under which pip knows this package: another project owns the name ``automl`` on the package index."""

DISTRIBUTION = "automl-pareto"


def install_line(extra: str) -> str:
    """Write the command that installs an extra.

    >>> install_line("rl")
    "pip install 'automl-pareto[rl]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
