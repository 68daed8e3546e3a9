"""What the user has: arrays with names, and where they are read from."""

from .axis import Axis
from .extent import ValueRange
from .labelled import LabelledArray, as_labelled
from .live import LiveArray
from .names import ITEM_ROLES, ROLES, Role, find_roles, plural, role_of
from .source import ArraySource, Block, NumpySource, Region
from .sources import as_source, is_source
from .stacking import LiveStack, stack
from .stored import StoredSource
from .watching import LiveSource

__all__ = [
    "ITEM_ROLES",
    "ROLES",
    "ArraySource",
    "Axis",
    "Block",
    "LabelledArray",
    "LiveArray",
    "LiveSource",
    "LiveStack",
    "NumpySource",
    "Region",
    "Role",
    "StoredSource",
    "ValueRange",
    "as_labelled",
    "as_source",
    "find_roles",
    "is_source",
    "plural",
    "role_of",
    "stack",
]
