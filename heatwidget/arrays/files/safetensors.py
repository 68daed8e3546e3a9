"""Tensors as Hugging Face stores them: ``.safetensors``, mapped into memory.

The format is a length, a header in JSON and the bare values, so no library is needed; but
for the types that numpy lacks, ml_dtypes is.
"""

from __future__ import annotations

import json
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry, UnknownTypeError
from .draft import Draft
from .labels import Labels
from .libraries import needed

_METADATA = "__metadata__"
_MOST_BYTES = 100_000_000  # of a header, by the format's own rule
_DTYPES = {
    "BOOL": "?",
    **{f"{kind}{8 * n}": f"<{kind.lower()}{n}" for kind in "IU" for n in (1, 2, 4, 8)},
    **{f"F{8 * n}": f"<f{n}" for n in (2, 4, 8)},
}
_SHORT = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
_CODES = {np.dtype(text): code for code, text in _DTYPES.items()}
_BYTES = {
    **{code: np.dtype(text).itemsize for code, text in _DTYPES.items()},
    **{code: 2 if code == "BF16" else 1 for code in _SHORT},
}


def read(path: Path) -> Contents:
    """Return the tensors of a file and what it says of ``values``."""
    header, start = _read_header(path)
    said = header.pop(_METADATA, None)
    entries = {name: _entry(path, name, tensor, start) for name, tensor in header.items()}
    texts = said if isinstance(said, dict) and VALUES in entries else {}
    for name in (LABELS, OLD_LABELS):
        text = texts.get(name)
        if isinstance(text, str) and (name == LABELS or Labels.are_in(text)):
            return Contents(entries, partial(Labels.from_text, text))
    return Contents(entries)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Header of a file, and the byte at which the values start."""
    with path.open("rb") as file:
        n_bytes = int.from_bytes(file.read(8), "little")
        if n_bytes > min(_MOST_BYTES, path.stat().st_size - 8):
            raise ValueError(f"its header would have {n_bytes} bytes")
        header = json.loads(file.read(n_bytes))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header, 8 + n_bytes


def _entry(path: Path, name: str, tensor: Any, start: int) -> Entry:
    """One tensor; where it lies is checked now, its values are mapped when loaded."""
    code, shape = str(tensor["dtype"]), tuple(int(size) for size in tensor["shape"])
    first, last = (int(offset) for offset in tensor["data_offsets"])
    if not 0 <= first <= last <= path.stat().st_size - start:
        raise ValueError(f"{name!r} lies at {first}..{last}, beyond the end")
    if code not in _BYTES:
        return Entry(shape, code, lambda: _refuse(name, code))
    if prod(shape) * _BYTES[code] != last - first:
        raise ValueError(f"{name!r} of shape {shape} and type {code} has {last - first} bytes")
    dtype = np.dtype(_DTYPES[code]) if code in _DTYPES else code
    return Entry(shape, dtype, lambda: _map(path, code, start + first, shape))


def _map(path: Path, code: str, offset: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Values of a tensor, mapped into memory."""
    dtype: Any = _DTYPES.get(code)
    if code in _SHORT:
        with needed("safetensors", path):
            import ml_dtypes
        dtype = getattr(ml_dtypes, _SHORT[code])
    values: NDArray[Any] = np.memmap(path, dtype, "r", offset, shape)
    return values


def _refuse(name: str, code: str) -> NoReturn:
    raise UnknownTypeError(f"array must hold real numbers, and {name!r} has the type {code}")


def write(path: Path, draft: Draft) -> None:
    """Write values and labels, block by block."""
    dtype = draft.dtype.newbyteorder("<")
    n_bytes = prod(draft.shape) * dtype.itemsize
    tensor = {"dtype": _CODES[dtype], "shape": draft.shape, "data_offsets": [0, n_bytes]}
    header = json.dumps({_METADATA: {LABELS: draft.text}, VALUES: tensor}).encode("ascii")
    header += b" " * (-len(header) % 8)  # so that values lie at multiples of their size
    with path.open("xb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _, values in draft.blocks():
            file.write(np.ascontiguousarray(values, dtype).data.cast("B"))
