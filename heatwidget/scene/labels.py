"""What stands beside the indices of an axis: its texts, cut so that they can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from ..arrays import Axis
from .text import label, label_ends, label_from

_NEAR = 12  # characters of the start of a word that are shown before a difference
# Makes a label of a text and a number of text columns.
_Cut = Callable[[str, int], str]


class Labels:
    """Labels of an axis, in a number of text columns.

    A text that is too long is cut at its end. Where different texts would then read alike,
    they are cut in the middle; where that is not enough, before the place where they begin
    to differ; and where nothing else helps they get their position in front.

    Parameters
    ----------
    axis : Axis
    columns : int
        Text columns that a label may take.
    """

    def __init__(self, axis: Axis, columns: int) -> None:
        self.axis = axis
        self._columns = columns
        # Of the whole axis, so that a label stays as it is while others come and go.
        self._cuts = _cuts(axis.labels or (), columns)

    def text(self, index: int, *, placed: bool = False) -> str:
        """Label of an index.

        Parameters
        ----------
        index : int
        placed : bool, optional
            Whether its position stands in front.
        """
        text = self.axis.label(index)
        cut = self._cuts.get(text, label)
        place = f"{index} " if placed or cut is None else ""
        return place + (cut or label)(text, max(self._columns - len(place), 1))


def _cuts(texts: Iterable[str], columns: int) -> dict[str, _Cut | None]:
    """How to cut each text that would read like another one; None: nothing tells it apart."""
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
    """Where texts begin to differ, and a few characters before: a word, if one starts near."""
    # All in between share what the first and the last in their order share.
    first, last = min(texts), max(texts)
    pairs = zip(first, last, strict=False)
    end = next((k for k, (one, other) in enumerate(pairs) if one != other), len(first))
    word = first.rfind(" ", 0, end) + 1
    return word if word and end - word <= _NEAR else max(end - 3, 0)
