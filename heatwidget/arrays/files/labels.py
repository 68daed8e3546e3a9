"""What a file says of its array besides the values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..axis import Axis
from ..labelled import LabelledArray


@dataclass(frozen=True, slots=True)
class Labels:
    """Names and coordinates of axes, quantity and attributes, as one text can hold them.

    Parameters
    ----------
    dims : tuple of str
        Names of the axes, in order.
    coords : mapping of str to sequence or mapping
        Coordinates by dim, of those axes that have other ones than 0..size-1; text by number
        where an axis has both.
    quantity : str
        What is measured.
    attrs : mapping
        Anything else that is known.
    """

    dims: tuple[str, ...]
    coords: Mapping[str, Any] = field(default_factory=dict)
    quantity: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, array: LabelledArray) -> Labels:
        """Labels of an array."""
        coords = {axis.name: found for axis in array.axes if (found := _coords(axis)) is not None}
        return cls(array.dims, coords, array.quantity, array.attrs)

    @classmethod
    def from_text(cls, text: str) -> Labels:
        """Labels out of the text that `to_text` makes.

        Raises
        ------
        ValueError
            If it is no such text.
        """
        said = json.loads(text)
        kinds = {"dims": list, "coords": dict, "quantity": str, "attrs": dict}
        if not isinstance(said, dict) or said.keys() != kinds.keys():
            raise ValueError(f"labels must be an object of {', '.join(kinds)}, got {text[:80]!r}")
        for name, kind in kinds.items():
            if not isinstance(said[name], kind):
                raise ValueError(f"labels must have {name} of type {kind.__name__}")
        coords = {dim: _from_json(found) for dim, found in said["coords"].items()}
        return cls(tuple(said["dims"]), coords, said["quantity"], said["attrs"])

    @classmethod
    def are_in(cls, text: str) -> bool:
        """Whether a text is one that `to_text` makes: in files of others it may be any."""
        try:
            cls.from_text(text)
        except (ValueError, RecursionError):
            return False
        return True

    def to_text(self) -> str:
        """Labels as JSON in ASCII, which takes any text: NUL and lone surrogates too.

        Raises
        ------
        TypeError
            If an attribute is nothing that JSON can hold.
        """
        attrs = {_key(key): _plain(key, value) for key, value in self.attrs.items()}
        coords = {dim: _to_json(found) for dim, found in self.coords.items()}
        said = {"dims": self.dims, "coords": coords, "quantity": self.quantity}
        return json.dumps({**said, "attrs": attrs})


def _coords(axis: Axis) -> list[Any] | dict[int | float, str] | None:
    """Coordinates of an axis, or None where they are 0..size-1."""
    if axis.labels:
        return list(axis.labels) if axis.is_counted else axis.mapping
    return None if axis.is_counted else axis.coordinates.tolist()


def _to_json(coords: Any) -> Any:
    """Coordinates as JSON has them, whose names are texts: numbers and labels side by side."""
    if isinstance(coords, Mapping):
        return {"numbers": list(coords), "labels": list(coords.values())}
    return coords


def _from_json(coords: Any) -> Any:
    if not isinstance(coords, dict):
        return coords
    numbers, labels = coords.get("numbers"), coords.get("labels")
    if not (isinstance(numbers, list) and isinstance(labels, list) and len(numbers) == len(labels)):
        raise ValueError("labels must have as many numbers as labels of an axis")
    return dict(zip(numbers, labels, strict=True))


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"attrs must have texts for names, got {key!r}")
    return key


def _plain(key: str, value: Any) -> Any:
    """Attribute as JSON gives it back: a list for an array or a tuple."""
    try:
        return json.loads(json.dumps(value, default=_from_numpy))
    except (TypeError, ValueError) as error:
        raise TypeError(f"attrs[{key!r}] must be what JSON can hold: {error}") from error


def _from_numpy(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufU":
        return value.tolist()
    raise TypeError(f"got {type(value).__name__}")
