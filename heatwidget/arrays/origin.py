"""Where a labelled array was opened from, so that it can be opened anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .axis import Axis

if TYPE_CHECKING:
    from .labelled import LabelledArray


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A file that `open` has read.

    Parameters
    ----------
    path : str
    axes : tuple of Axis
        As the file has them.
    data : array
        What held the values when it was opened.
    reopen : callable
        Gives the array that is in the file now.
    """

    path: str
    axes: tuple[Axis, ...]
    data: Any
    reopen: Callable[[], LabelledArray]

    def anew(self) -> tuple[Any, Origin]:
        """Open the file anew; what holds the values now.

        Raises
        ------
        OSError
            If the file is gone, or may not be read.
        TypeError, ValueError
            If it is damaged, or its array has another shape or other labels.
        """
        found = self.reopen()
        if found.origin is None or _said(found.axes) != _said(self.axes):
            was, now = (tuple(a.size for a in axes) for axes in (self.axes, found.axes))
            change = "other labels" if was == now else f"shape {was}, and now {now}"
            raise ValueError(
                f"array of {self.path} had {change}: set_array(heatwidget.open({self.path!r}))"
                " shows what there is now"
            )
        return found.data, found.origin


def origin_of(array: LabelledArray) -> Origin | None:
    """Where an array was opened from, unless its values are only a part of what was."""
    origin = array.origin
    return origin if origin is not None and origin.data is array.data else None


def _said(axes: Sequence[Axis]) -> list[Any]:
    """What tells axes from others."""
    return [(axis.name, axis.labels, axis.coordinates.tolist()) for axis in axes]
