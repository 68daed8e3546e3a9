"""What the user has: arrays with names, and where they are read from."""

from .axis import DIMS, ITEM_DIMS, Axis
from .labelled import LabelledArray, as_labelled
from .live import LiveArray
from .source import ArraySource, Block, NumpySource, Region, ValueRange
from .watching import LiveSource

__all__ = [
    "DIMS",
    "ITEM_DIMS",
    "ArraySource",
    "Axis",
    "Block",
    "LabelledArray",
    "LiveArray",
    "LiveSource",
    "NumpySource",
    "Region",
    "ValueRange",
    "as_labelled",
]
