"""automl finds small, fast, accurate neural networks and measures each on the file that is deployed."""

__version__ = "0.1.0"
