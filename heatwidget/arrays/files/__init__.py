"""Labelled arrays on disk, one module for each kind of file."""

from .opening import DEFAULT_DIMS, open, open_labelled
from .saving import save

__all__ = ["DEFAULT_DIMS", "open", "open_labelled", "save"]
