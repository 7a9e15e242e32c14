"""The name under which pip knows this package, and its version.

Another project owns the name ``automl`` on the package index.
"""

DISTRIBUTION = "automl-pareto"
VERSION = "0.1.0"


def install_line(extra: str) -> str:
    """Write the command that installs an extra.

    >>> install_line("rl")
    "pip install 'automl-pareto[rl]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
