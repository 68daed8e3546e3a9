"""Tensors in ``.safetensors`` files, mapped into memory.

The format is a length, a JSON header and the raw values, so no library is needed. Only the types
that numpy lacks need ml_dtypes.
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
from .labels import Labels
from .libraries import require_extra
from .save_job import SaveJob

_METADATA = "__metadata__"
_MAX_HEADER = 100_000_000  # bytes, limit of the format
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
    """Return the tensors of a file and the labels of ``values``."""
    header, start = _read_header(path)
    metadata = header.pop(_METADATA, None)
    entries = {name: _entry(path, name, tensor, start) for name, tensor in header.items()}
    texts = metadata if isinstance(metadata, dict) and VALUES in entries else {}
    for name in (LABELS, OLD_LABELS):
        text = texts.get(name)
        if isinstance(text, str) and (name == LABELS or Labels.are_in(text)):
            return Contents(entries, partial(Labels.from_text, text))
    return Contents(entries)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Header of a file and offset of the values."""
    with path.open("rb") as file:
        n_bytes = int.from_bytes(file.read(8), "little")
        if n_bytes > min(_MAX_HEADER, path.stat().st_size - 8):
            raise ValueError(f"its header would have {n_bytes} bytes")
        header = json.loads(file.read(n_bytes))
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    return header, 8 + n_bytes


def _entry(path: Path, name: str, tensor: Any, start: int) -> Entry:
    """Entry of one tensor. Its place is checked now, its values are mapped when loaded."""
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
        with require_extra("safetensors", path):
            import ml_dtypes
        dtype = getattr(ml_dtypes, _SHORT[code])
    values: NDArray[Any] = np.memmap(path, dtype, "r", offset, shape)
    return values


def _refuse(name: str, code: str) -> NoReturn:
    raise UnknownTypeError(f"array must hold real numbers, and {name!r} has the type {code}")


def write(path: Path, job: SaveJob) -> None:
    """Write values and labels, block by block."""
    dtype = job.dtype.newbyteorder("<")
    n_bytes = prod(job.shape) * dtype.itemsize
    tensor = {"dtype": _CODES[dtype], "shape": job.shape, "data_offsets": [0, n_bytes]}
    header = json.dumps({_METADATA: {LABELS: job.text}, VALUES: tensor}).encode("ascii")
    header += b" " * (-len(header) % 8)  # aligns the values
    with path.open("xb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _, values in job.blocks():
            file.write(np.ascontiguousarray(values, dtype).data.cast("B"))
