"""File that a labelled array was opened from, to open it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .axis import Axis

if TYPE_CHECKING:
    from .labelled import LabelledArray


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """File that an array was opened from.

    Parameters
    ----------
    path : str
    axes : tuple of Axis
        Axes of the array in the file.
    data : array
        Data of the array when it was opened.
    reopen : callable
        Opens the array that is in the file now.
    """

    path: str
    axes: tuple[Axis, ...]
    data: Any
    reopen: Callable[[], LabelledArray]

    def anew(self) -> tuple[Any, Origin]:
        """Open the file again and return its data and origin.

        Raises
        ------
        OSError
            If the file does not exist any more, or may not be read.
        TypeError, ValueError
            If it is damaged, or its array has another shape or other labels.
        """
        found = self.reopen()
        if found.origin is None or _contents(found.axes) != _contents(self.axes):
            was, now = (tuple(a.size for a in axes) for axes in (self.axes, found.axes))
            change = "other labels" if was == now else f"shape {was}, and now {now}"
            raise ValueError(
                f"array of {self.path} had {change}: set_array(heatwidget.open({self.path!r}))"
                " shows the new array"
            )
        return found.data, found.origin


def origin_of(array: LabelledArray) -> Origin | None:
    """Origin of an array; None if its data are not those of the file, but a part, say."""
    origin = array.origin
    return origin if origin is not None and origin.data is array.data else None


def _contents(axes: Sequence[Axis]) -> list[Any]:
    """Contents of axes, for a comparison."""
    return [(axis.name, axis.labels, axis.coordinates.tolist()) for axis in axes]
