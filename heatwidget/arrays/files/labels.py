"""Labels of an array in a file: axes, quantity and attributes."""

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
    """Names and coordinates of axes, quantity and attributes, in a form for JSON.

    Parameters
    ----------
    dims : tuple of str
        Names of the axes, in order.
    coords : mapping of str to sequence or mapping
        Coordinates of the axes that differ from 0..size-1, by name; a mapping of numbers to
        texts if an axis has both.
    quantity : str
        Measured quantity.
    attrs : mapping
        Further attributes.
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
        """Labels from the text of `to_text`.

        Raises
        ------
        ValueError
            If the text has another form.
        """
        content = json.loads(text)
        types = {"dims": list, "coords": dict, "quantity": str, "attrs": dict}
        if not isinstance(content, dict) or content.keys() != types.keys():
            raise ValueError(f"labels must be an object of {', '.join(types)}, got {text[:80]!r}")
        for name, type_ in types.items():
            if not isinstance(content[name], type_):
                raise ValueError(f"labels must have {name} of type {type_.__name__}")
        coords = {dim: _from_json(found) for dim, found in content["coords"].items()}
        return cls(tuple(content["dims"]), coords, content["quantity"], content["attrs"])

    @classmethod
    def are_in(cls, text: str) -> bool:
        """Whether a text has the form of `to_text`. In files of other programs it may not."""
        try:
            cls.from_text(text)
        except (ValueError, RecursionError):
            return False
        return True

    def to_text(self) -> str:
        """Labels as JSON in ASCII, which can hold any text, also NUL and lone surrogates.

        Raises
        ------
        TypeError
            If an attribute cannot be written as JSON.
        """
        attrs = {_key(key): _plain(key, value) for key, value in self.attrs.items()}
        coords = {dim: _to_json(found) for dim, found in self.coords.items()}
        content = {"dims": self.dims, "coords": coords, "quantity": self.quantity}
        return json.dumps({**content, "attrs": attrs})


def _coords(axis: Axis) -> list[Any] | dict[int | float, str] | None:
    """Coordinates of an axis; None if they are 0..size-1."""
    if axis.labels:
        return list(axis.labels) if axis.is_counted else axis.mapping
    return None if axis.is_counted else axis.coordinates.tolist()


def _to_json(coords: Any) -> Any:
    """Coordinates for JSON. A mapping becomes two lists, because keys of JSON are texts."""
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
    """Attribute after a round trip through JSON: a list for an array or a tuple."""
    try:
        return json.loads(json.dumps(value, default=_from_numpy))
    except (TypeError, ValueError) as error:
        raise TypeError(f"attrs[{key!r}] must be what JSON can hold: {error}") from error


def _from_numpy(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufU":
        return value.tolist()
    raise TypeError(f"got {type(value).__name__}")
