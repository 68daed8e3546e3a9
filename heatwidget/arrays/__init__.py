"""What the user has: arrays with names, and where they are read from."""

from .axis import DIMS, ITEM_DIMS, Axis
from .labelled import LabelledArray, as_labelled
from .source import ArraySource, Block, NumpySource, Region, ValueRange

__all__ = [
    "DIMS",
    "ITEM_DIMS",
    "ArraySource",
    "Axis",
    "Block",
    "LabelledArray",
    "NumpySource",
    "Region",
    "ValueRange",
    "as_labelled",
]
