"""What is found in a file, before any values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .labels import Labels

VALUES = "values"  # name under which `save` writes an array
LABELS = "heatwidget.labels"  # and of the text beside it, which nobody else calls so
OLD_LABELS = "labels"  # as which earlier versions wrote it
_MOST_NAMES = 20  # in an error


class UnknownTypeError(TypeError):
    """Values of a type that the file may have, and this package does not read."""


class NamedKindError(ValueError):
    """A file that is not read, and the way out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One array in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype or str
        The file's own word where numpy has no such type.
    load : callable
        Gives the array, read lazily if the format allows it.
    named : bool
        Whether the format has no axis without a name: then one that is not known is no axis
        of another name.
    quantity : str
        What is measured, where the array itself does not say it.
    aside : bool
        Whether it belongs to another array, or is one under another name: not what is meant
        where no name is given.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | str
    load: Callable[[], Any]
    named: bool = False
    quantity: str = ""
    aside: bool = False

    @classmethod
    def of(cls, array: Any, **more: Any) -> Entry:
        """Entry of an array that is read lazily anyway."""
        return cls(tuple(array.shape or ()), array.dtype, lambda: array, **more)

    @property
    def fits(self) -> bool:
        """Whether a heatmap can show it: real numbers, two or more axes, none of them empty."""
        real = isinstance(self.dtype, str) or self.dtype.kind in "biuf"
        return real and len(self.shape) > 1 and 0 not in self.shape

    def __str__(self) -> str:
        """Return shape and type."""
        return f"{self.shape} {self.dtype}"


@dataclass(frozen=True, slots=True)
class Contents:
    """Arrays of a file by name, and what it says of the one called ``values``.

    Parameters
    ----------
    entries : mapping of str to Entry
    labels : callable, optional
        Reads what the file says; called when that array is chosen.
    """

    entries: Mapping[str, Entry]
    labels: Callable[[], Labels | None] = lambda: None

    def choose(self, path: Path, name: str | None) -> str:
        """Return the name of an array of the file, by default of the one that is meant.

        Raises
        ------
        ValueError
            If there is no such array, or not exactly one that is meant.
        """
        if name is None:
            return self._meant(path)
        for known in (name, name.strip("/")):
            if known in self.entries:
                return known
        raise ValueError(f"name must be one of those in {path}: {self._list()}; got {name!r}")

    def _meant(self, path: Path) -> str:
        """Name of the array that was saved by us, the only one, or the only one that fits."""
        if VALUES in self.entries:
            return VALUES
        names = [n for n, entry in self.entries.items() if not entry.aside] or [*self.entries]
        if len(names) != 1:
            names = [name for name in names if self.entries[name].fits]
        if not names:
            has = f"it has {self._list()}" if self.entries else "it has none at all"
            raise ValueError(f"path must hold an array of two or more axes; {path}: {has}")
        if len(names) > 1:
            raise ValueError(
                f"name must say which array of {path} is meant: {self._list(only_fitting=True)}"
            )
        return names[0]

    def _list(self, *, only_fitting: bool = False) -> str:
        """Names, with shape and type each."""
        entries = [(n, e) for n, e in self.entries.items() if e.fits or not only_fitting]
        texts = [f"{name!r} {entry}" for name, entry in entries[:_MOST_NAMES]]
        more = len(entries) - len(texts)
        return ", ".join(texts) + (f" and {more} more" if more > 0 else "")
