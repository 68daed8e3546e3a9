"""What the user has: arrays with names, and where they are read from."""

from .axis import DIMS, ITEM_DIMS, Axis
from .extent import ValueRange
from .labelled import LabelledArray, as_labelled
from .live import LiveArray
from .source import ArraySource, Block, NumpySource, Region
from .stored import StoredSource
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
    "StoredSource",
    "ValueRange",
    "as_labelled",
]
