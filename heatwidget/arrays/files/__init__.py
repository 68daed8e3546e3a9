"""Files with labelled arrays, one module for each format."""

from .opening import DEFAULT_DIMS, open, open_labelled
from .saving import save

__all__ = ["DEFAULT_DIMS", "open", "open_labelled", "save"]
