"""Packed values: what is stored, and the numbers that it stands for."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from struct import unpack
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Attributes that say how values are packed. They say nothing of what is unpacked.
PACKING_ATTRS = (
    *("scale_factor", "add_offset", "_FillValue", "missing_value"),
    *("valid_min", "valid_max", "valid_range", "_Unsigned"),
)


@dataclass(frozen=True, slots=True)
class Packing:
    """How values are packed, by the CF conventions that netCDF and xarray follow.

    Parameters
    ----------
    raw : dtype
        As what the stored values are read: unsigned where they say so.
    dtype : dtype
        Type of the unpacked values: floats where some may be missing, as NaN.
    scale, offset : float
        An unpacked value is ``scale * stored + offset``.
    missing : tuple of float
        Stored values that stand for none.
    valid : tuple of float
        Least and greatest value; what lies outside stands for none.
    valid_stored : bool
        Whether `valid` is of stored values, not of unpacked ones.
    """

    raw: np.dtype[Any]
    dtype: np.dtype[Any]
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    valid: tuple[float, float] = (-np.inf, np.inf)
    valid_stored: bool = True

    @classmethod
    def of(cls, dtype: np.dtype[Any], attrs: Mapping[str, Any]) -> Packing | None:
        """Packing that attributes tell, or None where values are stored as they are.

        Raises
        ------
        ValueError
            If an attribute is not what the conventions ask for.
        """
        if dtype.kind not in "biuf":
            return None
        if dtype.itemsize == 1 and dtype.kind != "f" and _text(attrs.get("dtype")) == "bool":
            return cls(dtype, np.dtype(bool))
        raw = _raw(dtype, _text(attrs.get("_Unsigned")))
        factors = {n: _numbers(attrs, n, 1) for n in ("scale_factor", "add_offset") if n in attrs}
        missing = _missing(raw, attrs)
        valid, valid_stored = _valid(raw, attrs, packed=bool(factors))
        masked = bool(missing) or valid != (-np.inf, np.inf)
        if raw == dtype and not factors and not masked:
            return None
        return cls(
            raw=raw,
            dtype=_unpacked_dtype(raw, factors, masked=masked),
            scale=float(factors.get("scale_factor", [1.0])[0]),
            offset=float(factors.get("add_offset", [0.0])[0]),
            missing=missing,
            valid=valid,
            valid_stored=valid_stored,
        )

    def unpack(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return what stored values stand for."""
        if self.dtype.kind == "b":
            return np.asarray(stored != 0)
        stored = np.asarray(stored, order="C").view(self.raw)
        if self.dtype.kind != "f":
            return stored.astype(self.dtype)
        values = stored
        if (self.scale, self.offset) != (1.0, 0.0):
            values = stored.astype(np.float64) * self.scale + self.offset
        gone = np.zeros(stored.shape, bool)
        for one in self.missing:
            gone |= stored == self.raw.type(one)
        low, high = self.valid
        judged = stored if self.valid_stored else values
        gone |= (judged < low) | (judged > high)
        return np.where(gone, self.dtype.type(np.nan), values.astype(self.dtype))


def unpacked(packing: Packing | None, stored: NDArray[Any]) -> NDArray[Any]:
    """What stored values stand for, be they packed or not."""
    return stored if packing is None else packing.unpack(stored)


def _raw(dtype: np.dtype[Any], unsigned: str | None) -> np.dtype[Any]:
    """As what values are read: netCDF lacked unsigned types, and files of its kin lack others."""
    kinds = {"true": "i", "false": "u"}
    if dtype.kind not in "iu" or unsigned is None or kinds.get(unsigned.lower()) != dtype.kind:
        return dtype
    return np.dtype(f"{dtype.byteorder}{'u' if dtype.kind == 'i' else 'i'}{dtype.itemsize}")


def _unpacked_dtype(
    raw: np.dtype[Any], factors: Mapping[str, NDArray[Any]], *, masked: bool
) -> np.dtype[Any]:
    """Type that holds all unpacked values: that of the factors, where it is exact enough."""
    short = raw.itemsize <= 2
    if factors:
        single = short and all(found.dtype == np.float32 for found in factors.values())
        return np.dtype(np.float32 if single else np.float64)
    if raw.kind == "f" or not masked:
        native: np.dtype[Any] = raw.newbyteorder("=")
        return native
    return np.dtype(np.float32 if short else np.float64)


def _missing(raw: np.dtype[Any], attrs: Mapping[str, Any]) -> tuple[float, ...]:
    """Stored values that stand for none; NaN does so anyway."""
    found = [
        number
        for name in ("_FillValue", "missing_value")
        if name in attrs
        for number in _numbers(attrs, name).tolist()
    ]
    if raw.kind == "f":
        return tuple(n for n in found if not isnan(n))
    whole = {int(n) for n in found if not isnan(n) and n == int(n)}
    if raw.kind == "u":  # said in the signed type that is stored
        whole = {n % 2 ** (8 * raw.itemsize) if n < 0 else n for n in whole}
    span = (0, 1) if raw.kind == "b" else (np.iinfo(raw).min, np.iinfo(raw).max)
    return tuple(sorted(n for n in whole if span[0] <= n <= span[1]))


def _valid(
    raw: np.dtype[Any], attrs: Mapping[str, Any], *, packed: bool
) -> tuple[tuple[float, float], bool]:
    """Least and greatest value, and whether they are of stored values.

    They are of unpacked ones where they are of such a type, so the conventions have it.
    """
    ends = [np.array([-np.inf]), np.array([np.inf])]
    if "valid_range" in attrs:
        both = _numbers(attrs, "valid_range", 2)
        ends = [both[:1], both[1:]]
    else:
        for at, name in enumerate(("valid_min", "valid_max")):
            if name in attrs:
                ends[at] = _numbers(attrs, name, 1)
    given = [end for end in ends if np.isfinite(end[0])]
    stored = not (packed and raw.kind != "f" and any(end.dtype.kind == "f" for end in given))
    if stored and raw.kind == "u":
        span = 2 ** (8 * raw.itemsize)
        ends = [end % span if np.isfinite(end[0]) and end[0] < 0 else end for end in ends]
    return (ends[0][0].item(), ends[1][0].item()), stored


def _numbers(attrs: Mapping[str, Any], name: str, size: int | None = None) -> NDArray[Any]:
    """Attribute as numbers, in a type as it is stored.

    Raises
    ------
    ValueError
        If it is none, or of another size.
    """
    value = attrs[name]
    text = _text(value)
    try:
        numbers = np.atleast_1d(np.asarray(value if text is None else _from_text(text)))
    except ValueError:
        numbers = np.array([None])
    if numbers.dtype.kind not in "biuf" or (size is not None and numbers.size != size):
        raise ValueError(
            f"{name} must be {'a number' if size != 2 else 'two numbers'}, got {value!r}:"
            " unpack the values with the library that wrote them, and give those"
        )
    return numbers.ravel()


def _text(value: Any) -> str | None:
    """Attribute that is a text, as one."""
    value = value.item() if getattr(value, "size", 0) == 1 else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _from_text(text: str) -> float:
    """Number in a text: xarray writes floats to zarr as eight bytes in base 64."""
    try:
        return float(text)
    except ValueError:
        content = b64decode(text, validate=True)
    if len(content) != 8:
        raise ValueError(text)
    number: float = unpack("<d", content)[0]
    return number
