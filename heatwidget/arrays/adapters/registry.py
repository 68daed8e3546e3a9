"""Adapters that others bring: registered, or found by entry points of installed packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from .adapter import Adapter, is_from

GROUP = "heatwidget.adapters"

Make = Callable[[Any], Adapter]
# The last one that was registered counts.
_registered: dict[type | str, Make] = {}
_found: dict[str, Make] = {}
_looked = False


def register_adapter(kind: type | str, make: Make) -> None:
    """Let heatmaps take arrays of another library.

    A package can do the same by an entry point in the group ``heatwidget.adapters``, whose name
    is that of the class, and whose value is `make`.

    Parameters
    ----------
    kind : type or str
        Class of the arrays, or its name as ``"module.Class"``: then it is not imported.
    make : callable
        Makes an `ArrayAdapter` of an array.

    Raises
    ------
    TypeError
        If `kind` is neither, or `make` cannot be called.

    Examples
    --------
    >>> class Squares:
    ...     shape = (3, 4)
    >>> class SquaresAdapter(hw.ArrayAdapter):
    ...     def __init__(self, array):
    ...         self.shape, self.dtype = array.shape, np.dtype(float)
    ...     def read(self, region):
    ...         rows, columns = (np.arange(*bounds) for bounds in region.bounds)
    ...         return np.add.outer(rows, columns) ** 2.0
    >>> hw.register_adapter(Squares, SquaresAdapter)
    >>> hw.Heatmap(Squares()).frame.values[2]
    array([ 4.,  9., 16., 25.], dtype=float32)
    """
    named = isinstance(kind, str) and "." in kind.replace(":", ".")
    if not (isinstance(kind, type) or named):
        raise TypeError(f"kind must be a class or its name 'module.Class', got {kind!r}")
    if not callable(make):
        raise TypeError(f"make must be callable, got {make!r}")
    _registered[kind.replace(":", ".") if isinstance(kind, str) else kind] = make


def is_registered(array: Any) -> bool:
    """Whether an adapter was registered for an array; it goes before all that we know of it."""
    return any(_is_of(kind, array) for kind in list(_registered))


def adapt_registered(array: Any) -> Adapter | None:
    """Adapter that was registered for an array, or None."""
    for kind, make in reversed(list(_registered.items())):
        if _is_of(kind, array):
            return make(array)
    return None


def adapt_found(array: Any) -> Adapter | None:
    """Adapter of an installed package for an array of a kind that nobody else knows, or None."""
    global _looked
    if type(array).__module__ in ("builtins", "numpy", "numpy.ma"):
        return None
    if not _looked:
        _found.update((entry.name, _loader(entry)) for entry in entry_points(group=GROUP))
        _looked = True
    make = next((make for kind, make in _found.items() if _is_of(kind, array)), None)
    return None if make is None else make(array)


def _loader(entry: Any) -> Make:
    """What an entry point gives, loaded when it is used."""
    return lambda array: entry.load()(array)


def _is_of(kind: type | str, array: Any) -> bool:
    if isinstance(kind, type):
        return isinstance(array, kind)
    module, _, name = kind.replace(":", ".").rpartition(".")
    return is_from(module, name, array)
