"""Contents of a file: its arrays and labels, before values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .labels import Labels

VALUES = "values"  # name under which `save` writes an array
LABELS = "heatwidget.labels"  # name of the text with its labels, unique to this package
OLD_LABELS = "labels"  # name of that text in files of earlier versions
_MAX_NAMES = 20  # names listed in an error


class UnknownTypeError(TypeError):
    """Values of a type that the format allows but this package does not read."""


class UnreadableFormatError(ValueError):
    """A file that this package does not read; the message says what does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One array in a file.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype or str
        The format's name of the type if numpy has no such type.
    load : callable
        Returns the array, lazily read if the format allows it.
    named : bool
        Whether all axes have names in this format. Then names that the widgets do not know are
        kept, instead of the default names.
    quantity : str
        Measured quantity, if the array itself does not name it.
    aside : bool
        Whether it belongs to another array or is a second name of one. It is not chosen by
        default.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | str
    load: Callable[[], Any]
    named: bool = False
    quantity: str = ""
    aside: bool = False

    @classmethod
    def of(cls, array: Any, **more: Any) -> Entry:
        """Entry of an array that is lazy itself."""
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
    """Arrays of a file by name, and the labels of the one called ``values``.

    Parameters
    ----------
    entries : mapping of str to Entry
    labels : callable, optional
        Reads the labels; called when that array is chosen.
    """

    entries: Mapping[str, Entry]
    labels: Callable[[], Labels | None] = lambda: None

    def choose(self, path: Path, name: str | None) -> str:
        """Return the name of the array to open.

        By default that is ``values``, the only array, or the only one that a heatmap can show.

        Raises
        ------
        ValueError
            If there is no array with this name, or no or several arrays to choose from.
        """
        if name is None:
            return self._default(path)
        for known in (name, name.strip("/")):
            if known in self.entries:
                return known
        raise ValueError(f"name must be one of those in {path}: {self._list()}; got {name!r}")

    def _default(self, path: Path) -> str:
        """Name of the array written by `save`, of the only one, or of the only one that fits."""
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
                f"name must choose an array of {path}: {self._list(only_fitting=True)}"
            )
        return names[0]

    def _list(self, *, only_fitting: bool = False) -> str:
        """Names with shape and type, for errors."""
        entries = [(n, e) for n, e in self.entries.items() if e.fits or not only_fitting]
        texts = [f"{name!r} {entry}" for name, entry in entries[:_MAX_NAMES]]
        more = len(entries) - len(texts)
        return ", ".join(texts) + (f" and {more} more" if more > 0 else "")
