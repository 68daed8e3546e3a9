"""What an overview can give of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .view import CellRule


@dataclass(frozen=True, slots=True)
class Plan:
    """How a picture is made from an overview, as far as that was read.

    Parameters
    ----------
    kind : {"exact", "edges", "coarse", "nothing"}
        "exact": from the overview alone, up to rounding. "edges": but for a few rows or columns
        at the ends of its window, or cells that the overview cannot tell, which are read from
        the array. "coarse": only the picture of `rule` instead, and that only roughly.
        "nothing": not even that.
    rule : CellRule
        The picture that can be made: the one asked for, or the closest.
    """

    kind: Literal["exact", "edges", "coarse", "nothing"]
    rule: CellRule

    @property
    def serves(self) -> bool:
        """Whether the picture is the one that was asked for."""
        return self.kind in ("exact", "edges")
