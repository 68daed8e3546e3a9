"""Scenes: immutable descriptions of a heatmap. `compose` makes a `Scene` from a frame."""

from .compose import Layout, Look, Picture, Scene, compose, derived_quantity, make_layout
from .legend import LegendEntry, make_legend
from .overlays import Band, Overlay, Points, Polyline, Text, steps
from .readout import Place, Readout, cell_at, read_cell

__all__ = [
    "Band",
    "Layout",
    "LegendEntry",
    "Look",
    "Overlay",
    "Picture",
    "Place",
    "Points",
    "Polyline",
    "Readout",
    "Scene",
    "Text",
    "cell_at",
    "compose",
    "derived_quantity",
    "make_layout",
    "make_legend",
    "read_cell",
    "steps",
]
