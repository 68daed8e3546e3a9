"""Arrays in numpy's ``.npz`` archives.

Uncompressed arrays are mapped into memory, so their checksum is not verified. Compressed arrays
are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from struct import unpack
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from .contents import LABELS, OLD_LABELS, VALUES, Contents, Entry
from .labels import Labels
from .npy import Header, read_header
from .save_job import SaveJob

_SUFFIX = ".npy"  # suffix of members that are arrays
_ALIGNMENT = 64  # bytes, as in numpy's own files; unaligned values are slow
_PADDING = 0xD935  # id of the zip extra field for alignment


def read(path: Path) -> Contents:
    """Return the arrays of an archive and the labels of ``values``."""
    with ZipFile(path) as archive:
        members = {
            member.filename.removesuffix(_SUFFIX): member
            for member in archive.infolist()
            if member.filename.endswith(_SUFFIX)
        }
        entries = {name: _entry(path, archive, member) for name, member in members.items()}
    if VALUES not in entries:
        return Contents(entries)
    for name in (LABELS, OLD_LABELS):
        text = _text(entries[name]) if name in entries else None
        if text is not None and (name == LABELS or Labels.are_in(text)):
            own = {key: entry for key, entry in entries.items() if key != name}
            return Contents(own, partial(Labels.from_text, text))
    if "dims" in entries and _may_be_names(entries["dims"], entries[VALUES]):
        return Contents(entries, lambda: _labels_by_hand(entries))
    return Contents(entries)


def _text(entry: Entry) -> str | None:
    """Text in an array of a single bytes value, as `write` stores it; else None."""
    if entry.shape or isinstance(entry.dtype, str) or entry.dtype.kind != "S":
        return None
    return bytes(np.asarray(entry.load()).item()).decode("utf-8", "replace")


def _may_be_names(dims: Entry, values: Entry) -> bool:
    """Whether an array may hold the names of axes. Pickled ones are refused when loaded."""
    if isinstance(dims.dtype, str) or len(dims.shape) > 1:
        return False
    return dims.dtype.kind in "US" or (dims.dtype.hasobject and dims.shape == (len(values.shape),))


def _entry(path: Path, archive: ZipFile, member: ZipInfo) -> Entry:
    """Entry of one member; only its header is read now."""
    with archive.open(member) as file:
        header, length = read_header(file), file.tell()
    if member.compress_type == ZIP_STORED:
        offset = _first_byte(path, member) + length
        return Entry(header.shape, header.word, lambda: header.map(path, offset))
    return Entry(header.shape, header.word, lambda: _read_member(path, member, header))


def _first_byte(path: Path, member: ZipInfo) -> int:
    """Offset of a member. Its local header may be longer than its entry in the directory."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        n_name, n_extra = unpack("<HH", file.read(4))
    return member.header_offset + 30 + int(n_name) + int(n_extra)


def _read_member(path: Path, member: ZipInfo, header: Header) -> NDArray[Any]:
    dtype = header.readable(path)
    with ZipFile(path) as archive, archive.open(member) as file:
        values: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return values.view(dtype)


def _labels_by_hand(entries: Mapping[str, Entry]) -> Labels:
    """Labels in the simple layout for `numpy.savez`, see `open`."""
    dims = tuple(_word(name) for name in np.atleast_1d(entries["dims"].load()))
    attrs = json.loads(_word(entries["attrs"].load()[()])) if "attrs" in entries else {}
    if not isinstance(attrs, dict):
        raise ValueError(f"attrs must be a JSON object, got {attrs!r}")
    known = {
        name.removeprefix("coord."): np.asarray(entry.load())
        for name, entry in entries.items()
        if name.startswith("coord.")
    }
    coords = {dim: known.pop(dim) for dim in dims if dim in known}
    return Labels(dims, coords, str(attrs.get("quantity", "")), {**attrs, **known})


def _word(text: Any) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def write(path: Path, job: SaveJob) -> None:
    """Write values and labels, block by block."""
    with ZipFile(path, "x", allowZip64=True) as archive:
        with archive.open(LABELS + _SUFFIX, "w") as file:
            np.lib.format.write_array(file, np.array(job.text.encode("ascii")))
        member = ZipInfo(VALUES + _SUFFIX)
        member.extra = _padding(path, archive, member)
        with archive.open(member, "w", force_zip64=True) as file:
            descr = np.lib.format.dtype_to_descr(job.dtype)
            header = {"descr": descr, "fortran_order": False, "shape": job.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for _, values in job.blocks():
                file.write(values.data.cast("B"))


def _padding(path: Path, archive: ZipFile, member: ZipInfo) -> bytes:
    """Extra field that aligns the values of the next member."""
    zip64, min_ = 20, 4
    start = archive.start_dir + 30 + len(member.filename) + zip64 + min_
    n_bytes = -start % _ALIGNMENT
    return _PADDING.to_bytes(2, "little") + n_bytes.to_bytes(2, "little") + bytes(n_bytes)
