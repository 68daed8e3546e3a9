"""What to show: pure functions from an array and a view to a picture-sized frame."""

from .color import COLOR_SCALES, CellState, color_indices, color_positions, merged_distance
from .frame import Frame, cell_extent, render
from .palette import DIVERGING, color_schemes, encode_png, palette
from .reducers import POOLINGS, REDUCERS
from .view import CellRule, ColorRule, ResolvedView, View, resolve

__all__ = [
    "COLOR_SCALES",
    "DIVERGING",
    "POOLINGS",
    "REDUCERS",
    "CellRule",
    "CellState",
    "ColorRule",
    "Frame",
    "ResolvedView",
    "View",
    "cell_extent",
    "color_indices",
    "color_positions",
    "color_schemes",
    "encode_png",
    "merged_distance",
    "palette",
    "render",
    "resolve",
]
