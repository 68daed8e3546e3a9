"""Live heatmaps of what goes on inside a network."""

__version__ = "0.1.0"
