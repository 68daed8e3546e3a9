"""Labels of the indices of an axis, shortened so that different texts stay different."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from ..arrays import Axis
from .text import label, label_ends, label_from

_NEAR = 12  # maximum characters from the start of a word to a difference
# Function from a text and a number of text columns to a label.
_Cut = Callable[[str, int], str]


class Labels:
    """Labels of an axis in a given number of text columns.

    A text that is too long is cut at its end. If different texts would then read the same, they
    are cut in the middle, else before their first difference. If that is not enough either, their
    position is written in front.

    Parameters
    ----------
    axis : Axis
    columns : int
        Maximum text columns of a label.
    """

    def __init__(self, axis: Axis, columns: int) -> None:
        self.axis = axis
        self._columns = columns
        # From the whole axis, so that a label does not depend on which others are shown.
        self._cuts = _cuts(axis.labels or (), columns)

    def text(self, index: int, *, placed: bool = False) -> str:
        """Label of an index.

        Parameters
        ----------
        index : int
        placed : bool, optional
            Whether to write its position in front.
        """
        text = self.axis.label(index)
        cut = self._cuts.get(text, label)
        place = f"{index} " if placed or cut is None else ""
        return place + (cut or label)(text, max(self._columns - len(place), 1))


def _cuts(texts: Iterable[str], columns: int) -> dict[str, _Cut | None]:
    """Cut for each text that would read like another; None if no cut makes it different."""
    alike: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        alike.setdefault(label(text, columns), []).append(text)
    taken, cuts = set(alike), dict[str, _Cut | None]()
    for group in alike.values():
        if len(group) == 1:
            continue
        cuts |= dict.fromkeys(group)
        for cut in (label_ends, partial(label_from, start=_difference(group))):
            found = {cut(text, columns) for text in group}
            if len(found) == len(group) and taken.isdisjoint(found):
                cuts |= dict.fromkeys(group, cut)
                taken |= found
                break
    return cuts


def _difference(texts: list[str]) -> int:
    """Index shortly before the first difference of texts, at the start of a word if one is near."""
    # All texts share the common start of the first and the last one in sorted order.
    first, last = min(texts), max(texts)
    pairs = zip(first, last, strict=False)
    end = next((k for k, (one, other) in enumerate(pairs) if one != other), len(first))
    word = first.rfind(" ", 0, end) + 1
    return word if word and end - word <= _NEAR else max(end - 3, 0)
