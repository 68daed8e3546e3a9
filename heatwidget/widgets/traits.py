"""Trait types of the widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from math import isfinite
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Protocol

import traitlets

from ..arrays import Axis

AskedRange = tuple[Any, Any]


class OpenRange(tuple[Any, Any]):
    """Range read from a trait with an open end; the end stays open if another trait takes it."""

    asked: AskedRange
    """tuple: the range as it was set, with None for an open end."""


class RangeOwner(Protocol):
    """Interface of the owner of `Range`, `ByAxis` and `ShownAxis` traits."""

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        """Range with numbers in place of open ends: those of the axis or of the colours."""

    def _axis_of(self, name: str) -> Axis | None:
        """Axis whose range a trait holds; None if the array has no such axis."""

    def _axis(self, dim: str) -> Axis | None:
        """Axis with this name; None if the array has no such axis."""

    def _whole(self, name: str) -> Mapping[str, Any]:
        """Mapping with an entry for each axis, whether it was set or not."""

    def _set_traits(self, values: Mapping[str, Any]) -> None:
        """Set several traits at once: all of them or, on an error, none."""


class Range(traitlets.TraitType):  # type: ignore[type-arg]
    """Range of an axis or of the colours: a pair ``(first, last)``, both ends included.

    An end is a finite number, in the axis's own coordinates or in the unit of the values, or
    the label of an index. None leaves an end open; it reads as a number, so that a slider can
    be linked with the trait. The owner is a `RangeOwner`.
    """

    default_value = (None, None)
    """tuple: both ends open."""

    info_text = "a pair (first, last) of numbers with first <= last; None leaves an end open"
    """str: the allowed values, for error messages."""

    def validate(self, obj: Any, value: Any) -> AskedRange:
        """Return the pair as a tuple of plain numbers or None."""
        owner: RangeOwner = obj
        return plain_range(str(self.name), value, owner._axis_of(str(self.name)))

    def get(self, obj: Any, cls: Any = None) -> AskedRange:
        """Return the range with numbers in place of open ends."""
        asked = self.asked(obj)
        owner: RangeOwner = obj
        # `hold_trait_notifications` sets each trait to the value it reads at the end.
        # A number there would close an open end.
        held = obj._cross_validation_lock
        return asked if held else owner._filled(str(self.name), asked)

    def asked(self, obj: Any) -> AskedRange:
        """Return the range as it was set, with None for an open end."""
        asked: Any = super().get(obj)
        return asked  # type: ignore[no-any-return]


class ByAxis(traitlets.TraitType):  # type: ignore[type-arg]
    """Mapping of axis names to entries. It reads with an entry for each axis of the array.

    An assignment replaces all entries. The owner is a `RangeOwner`. Where an axis has a trait
    of its own, such as ``iteration_range``, the owner keeps the entry in that trait.
    """

    default_value: Mapping[str, Any] = MappingProxyType({})
    """Mapping: no entries, so each axis has its default."""

    info_text = "a mapping of names of axes"
    """str: the allowed values, for error messages."""

    def validate(self, obj: Any, value: Any) -> Mapping[str, Any]:
        """Return a plain dictionary."""
        if not isinstance(value, Mapping):
            raise traitlets.TraitError(f"{self.name} must be {self.info_text}, got {value!r}")
        return {dim: self._entry(obj, dim, entry) for dim, entry in value.items()}

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> Any:
        raise NotImplementedError

    def get(self, obj: Any, cls: Any = None) -> Mapping[str, Any]:
        """Return the entries of all axes."""
        owner: RangeOwner = obj
        return owner._whole(str(self.name))

    def set(self, obj: Any, value: Any) -> None:
        """Replace all entries."""
        owner: RangeOwner = obj
        owner._set_traits({str(self.name): value})

    def asked(self, obj: Any) -> Mapping[str, Any]:
        """Return the entries as they were set, without those kept in a trait of their own."""
        asked: Any = super().get(obj)
        return asked  # type: ignore[no-any-return]


class Ranges(ByAxis):
    """Mapping of axis names to ranges. Each entry is as for `Range`."""

    info_text = "a mapping of names of axes to pairs (first, last)"

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> AskedRange:
        return plain_range(f"{self.name}[{dim!r}]", entry, owner._axis(dim))


class Choices(ByAxis):
    """Mapping of axis names to one of `values`."""

    def __init__(self, values: Sequence[str], **keywords: Any) -> None:
        self.values = tuple(values)
        """tuple of str: the allowed values of an entry."""
        self.info_text = f"a mapping of names of axes to {', '.join(map(repr, values))}"
        super().__init__(**keywords)

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> str:
        return str(chosen(f"{self.name}[{dim!r}]", entry, self.values))


class ShownAxis(traitlets.TraitType):  # type: ignore[type-arg]
    """Name of the axis shown as rows or as columns: an axis of the array.

    If the name is already on the other side, the owner swaps rows and columns.
    """

    default_value = ""
    """str: empty before the widget has an array."""

    def validate(self, obj: Any, value: Any) -> str:
        """Return the name if the array has such an axis."""
        owner: RangeOwner = obj
        # The trait is set to "" before the widget has an array.
        if isinstance(value, str) and (not value or owner._axis(value) is not None):
            return str(value)
        raise traitlets.TraitError(f"{self.name} must be one of {obj.dims}, got {value!r}")

    def set(self, obj: Any, value: Any) -> None:
        """Show another axis."""
        owner: RangeOwner = obj
        owner._set_traits({str(self.name): value})


class Choice(traitlets.Enum):  # type: ignore[type-arg]
    """One of a few words. The error of a wrong value lists them."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> Any:
        """Return the value if it is one of the allowed words."""
        return chosen(str(self.name), value, self.values or ())


def chosen(name: str, value: Any, words: Sequence[Any]) -> Any:
    """Return `value` if it is one of `words`.

    Raises
    ------
    traitlets.TraitError
        If it is not; the message lists the words.
    """
    if isinstance(value, (str, type(None))) and value in words:
        return value
    known = ", ".join(map(repr, words))
    raise traitlets.TraitError(f"{name} must be one of {known}, got {value!r}")


def plain_range(name: str, value: Any, axis: Axis | None) -> AskedRange:
    """Range as a tuple of Python numbers or None, in the order of its axis.

    Parameters
    ----------
    name : str
        Name of the trait, for the error.
    value : sequence of two numbers, labels or None
    axis : Axis or None
        Axis of the range; None for a range of colours or an axis that the array lacks.

    Raises
    ------
    traitlets.TraitError
        If `value` is not such a pair.
    """
    try:
        first, last = value.asked if isinstance(value, OpenRange) else value
        first, last = _plain(first, axis), _plain(last, axis)
    except (TypeError, ValueError, OverflowError) as error:
        why = f": {error}" if axis is not None and axis.labels and str(error) else ""
        raise traitlets.TraitError(
            f"{name} must be {Range.info_text}, got {value!r}{why}"
        ) from error
    if None in (first, last):
        return first, last
    if axis is not None and axis.descends:
        # Other libraries' sliders give the smaller end first, also on a descending axis.
        return max(first, last), min(first, last)
    if first > last:
        raise traitlets.TraitError(f"{name} must be {Range.info_text}, got {value!r}")
    return first, last


def checked(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values validated by their traits, one by one. Nothing is set.

    Raises
    ------
    traitlets.TraitError
        If a trait does not allow its value.
    """
    traits, found = owner.traits(), {}
    for name, value in values.items():
        trait = traits[name]
        kept = value is None and trait.allow_none
        found[name] = value if kept else trait.validate(owner, value)  # type: ignore[attr-defined]
    return found


def set_together(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> None:
    """Set traits to validated values, then notify the observers of each.

    All observers are notified, even if one raises. `hold_trait_notifications` is not used
    because it holds the object, not the thread: a value that another thread sets meanwhile is
    not validated at once, and is rolled back together with ours.
    """
    # Not by `getattr`: the default of a trait that was never set may not be valid.
    before = {name: owner._trait_values.get(name, traitlets.Undefined) for name in values}
    owner._trait_values.update(values)
    with ExitStack() as stack:
        # An ExitStack calls in reverse order; reversed here, observers run in the given order.
        for name, value in reversed(list(values.items())):
            if before[name] != value:
                stack.callback(owner._notify_trait, name, before[name], value)


def _plain(end: Any, axis: Axis | None) -> Any:
    """End of a range as a Python number, which JSON can hold."""
    if end is None:
        return None
    if isinstance(end, str) and axis is not None and axis.labels:
        return axis.coordinate(axis.find(end))
    if isinstance(end, (bool, str)) or not isinstance(end, Real):
        raise TypeError
    number = float(end)
    if not isfinite(number):
        raise ValueError
    # Not by way of `number`: a float cannot hold every large integer.
    if isinstance(end, Integral):
        return int(end)
    return int(number) if number.is_integer() else number
